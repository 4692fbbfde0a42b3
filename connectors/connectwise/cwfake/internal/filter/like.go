package filter

import "strings"

// element is one position of a like pattern: any text, any one character, or one of (or none of) a set.
type element struct {
	anyText, anyOne, inverted bool
	set                       string
}

type likePattern []element

// compileLike reads a pattern as SQL Server does, with the guide's `*` beside `%`: both stand for any text, `_` for
// one character and `[abc]` for one of a set, so that a literal bracket is written `[[]`.
func compileLike(text string) likePattern {
	var pattern likePattern
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*', '%':
			pattern = append(pattern, element{anyText: true})
		case '_':
			pattern = append(pattern, element{anyOne: true})
		case '[':
			end := closing(runes, i)
			if end < 0 {
				pattern = append(pattern, element{set: "["})
				continue
			}
			set, inverted := strings.CutPrefix(string(runes[i+1:end]), "^")
			pattern = append(pattern, element{set: expand(set), inverted: inverted})
			i = end
		default:
			pattern = append(pattern, element{set: string(c)})
		}
	}
	return pattern
}

func closing(runes []rune, open int) int {
	for i := open + 2; i < len(runes); i++ {
		if runes[i] == ']' {
			return i
		}
	}
	return -1
}

// expand writes the ranges of a set (`a-f`) out.
func expand(set string) string {
	runes := []rune(set)
	var out strings.Builder
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i+2]-runes[i] < 256 {
			for c := runes[i]; c <= runes[i+2]; c++ {
				out.WriteRune(c)
			}
			i += 2
			continue
		}
		out.WriteRune(runes[i])
	}
	return out.String()
}

// match is the usual greedy scan with one point to return to, which is linear in practice.
func (p likePattern) match(text string) bool {
	runes := []rune(text)
	at, element, star, mark := 0, 0, -1, 0
	for at < len(runes) {
		switch {
		case element < len(p) && p[element].anyText:
			star, mark = element, at
			element++
		case element < len(p) && p[element].accepts(runes[at]):
			at++
			element++
		case star >= 0:
			mark++
			at, element = mark, star+1
		default:
			return false
		}
	}
	for element < len(p) && p[element].anyText {
		element++
	}
	return element == len(p)
}

func (e element) accepts(c rune) bool {
	return e.anyOne || strings.ContainsRune(e.set, c) != e.inverted
}
