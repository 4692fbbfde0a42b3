package decode

import "github.com/covewise/covewise/connectors/cove/columns"

// Lacking are the columns that a sweep learnt of no device: by canonical code, what is to be said about it.
type Lacking map[string]string

// NewLacking returns the columns that a sweep was refused and those that are due and came for no device, in any
// spelling; nil when there are none.
func NewLacking(refused, unanswered []string) Lacking {
	if len(refused)+len(unanswered) == 0 {
		return nil
	}
	l := make(Lacking, len(refused)+len(unanswered))
	for _, code := range unanswered {
		code = columns.Canonical(code)
		l[code] = "column " + code + " (came for no device)"
	}
	for _, code := range refused {
		code = columns.Canonical(code)
		l[code] = "column " + code + " (refused)"
	}
	return l
}

// lacks says why the sweep could not know a column; empty when it could, or when the snapshot has a value all the same.
func (r row) lacks(code string) string {
	if len(r.lacking) == 0 || r.text(code) != "" {
		return ""
	}
	return r.lacking[code]
}

// lackingTexts returns what is lacking of the texts that expressions can use, by their names there.
func (r row) lackingTexts() map[string]string {
	if len(r.lacking) == 0 {
		return nil
	}
	lacking := map[string]string{}
	for name, code := range map[string]string{
		"name": "AN", "computer": "MN", "alias": "AL", "profile": "OP", "product": "PN", "os": "OS", "location": "LN", "clientVersion": "VN",
	} {
		if why := r.lacks(code); why != "" {
			lacking[name] = why
		}
	}
	return lacking
}
