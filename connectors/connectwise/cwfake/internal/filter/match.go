package filter

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// fold makes texts that differ only in case equal, and instants that differ only in their zone.
func fold(value any) any {
	switch v := value.(type) {
	case string:
		return strings.ToLower(v)
	case time.Time:
		return v.UnixNano()
	default:
		return value
	}
}

func compare[R any](column Column[R], operator, literal token) (func(R) bool, error) {
	wanted := fold(literal.literal)
	switch operator.text {
	case "=":
		return func(r R) bool { return fold(column.Value(r)) == wanted }, nil
	case "!=":
		return func(r R) bool {
			value := fold(column.Value(r))
			return value != wanted && (value != nil || wanted == nil)
		}, nil
	}
	if literal.literalKind == Null || literal.literalKind == Bool {
		return nil, &Error{Offset: operator.offset, Message: fmt.Sprintf("The operator %s cannot compare %s", operator.text, literal.literalKind)}
	}
	return func(r R) bool {
		value := column.Value(r)
		if value == nil {
			return false
		}
		order := order(fold(value), wanted)
		switch operator.text {
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		default:
			return order >= 0
		}
	}, nil
}

// Order compares two column values of one kind as `orderBy` does: a null comes first, text is compared without
// regard to case, False before True.
func Order(a, b any) int { return order(fold(a), fold(b)) }

func order(a, b any) int {
	switch left := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return -1
	case string:
		if right, ok := b.(string); ok {
			return strings.Compare(left, right)
		}
	case float64:
		if right, ok := b.(float64); ok {
			return cmp.Compare(left, right)
		}
	case int64:
		if right, ok := b.(int64); ok {
			return cmp.Compare(left, right)
		}
	case bool:
		if right, ok := b.(bool); ok && left != right {
			if left {
				return 1
			}
			return -1
		} else if ok {
			return 0
		}
	}
	return 1
}
