package wording

import (
	"reflect"
	"unicode/utf8"
)

// bound cuts lists and texts of the data to the lengths that the count of steps goes by. Nothing of the given data is
// changed.
func bound(d Data) Data {
	out, _ := reflect.TypeAssert[Data](boundValue(reflect.ValueOf(d))) // of its own type
	out.Text = cut(LongestOutput, d.Text)
	return out
}

func boundValue(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(boundValue(v.Field(i)))
		}
	case reflect.Slice:
		for i := range min(v.Len(), LongestList) {
			out = reflect.Append(out, boundValue(v.Index(i)))
		}
	case reflect.String:
		out.SetString(cut(longestText, v.String()))
	default:
		out.Set(v)
	}
	return out
}

// cut keeps the first characters of a text.
func cut(most int, text string) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	count := 0
	for i := range text {
		if count == most {
			return text[:i]
		}
		count++
	}
	return text
}
