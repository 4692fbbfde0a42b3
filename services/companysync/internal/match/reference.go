package match

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// tagText is how a customer's reference names its company: "CWM:1445:AlphaIndustries", alone or among other texts. The
// identifier is for people; it ends where letters, digits and the few signs of identifiers do, so that whatever people
// write behind it is theirs.
var tagText = regexp.MustCompile(`(?i)CWM:[ \t]*(\d[\pL\pN]*)(:(?:[\pL\pN](?:[\pL\pN\pM_.&-]*[\pL\pN\pM])?)?)?`)

// tag is a place in a reference that names a company.
type tag struct {
	from, to   int    // bytes
	id         string // as written, without leading zeros
	identifier string // "" when there is none
}

// tags returns the places of a reference that name a company, in order. What stands behind a letter or digit is the end
// of another word ("OLDCWM:9").
func tags(reference string) []tag {
	var all []tag
	for _, at := range tagText.FindAllStringSubmatchIndex(reference, -1) {
		if before, _ := utf8.DecodeLastRuneInString(reference[:at[0]]); at[0] > 0 && (isWordRune(before) || before == '_') {
			continue
		}
		t := tag{from: at[0], to: at[1], id: plainDigits(reference[at[2]:at[3]])}
		if at[4] >= 0 {
			t.identifier = reference[at[4]+1 : at[5]]
		}
		all = append(all, t)
	}
	return all
}

// convention is how a customer's name names its company in an older way: "Alpha | CWM ~ 1445", or with ID.
var convention = regexp.MustCompile(`(?i)\s*\|\s*(?:CWM|ID|CWM\s*ID)\s*~\s*(\d+)\s*$`)

// idPlace is where an id was found, and what to say of it.
type idPlace struct {
	method           companyv1.LinkMethod
	title, candidate string
}

// named returns the ids that a customer's own records name, by the first kind of record that names any.
func named(customer *statusv1.Customer) ([]string, idPlace) {
	if ids := references(customer.GetReference()); len(ids) > 0 {
		return ids, idPlace{companyv1.LinkMethod_LINK_METHOD_REFERENCE, "the customer's reference", "named by the reference"}
	}
	if found := convention.FindStringSubmatch(address.ReplaceAllString(customer.GetName(), "")); found != nil {
		return []string{plainDigits(found[1])}, idPlace{companyv1.LinkMethod_LINK_METHOD_NAME_ID, "the customer's name", "named by the name"}
	}
	return nil, idPlace{}
}

// references returns the distinct company ids that a reference names, as written but without leading zeros.
func references(reference string) []string {
	var ids []string
	for _, t := range tags(reference) {
		if !slices.Contains(ids, t.id) {
			ids = append(ids, t.id)
		}
	}
	return ids
}

func plainDigits(digits string) string {
	if id := strings.TrimLeft(digits, "0"); id != "" {
		return id
	}
	return "0"
}

// referenceText returns what a reference says, if that is one text, no list, and no id.
func referenceText(reference string) string {
	if len(tags(reference)) > 0 {
		return ""
	}
	text := ""
	for part := range strings.SplitSeq(reference, "|") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case text != "":
			return ""
		default:
			text = part
		}
	}
	return text
}

func companyID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id > 0 && id <= math.MaxInt32
}

// Tag returns how a customer's reference names a company: one word, so that it can be told from what stands around it.
func Tag(company *companyv1.Company) string {
	identifier := strings.Map(func(r rune) rune {
		if isWordRune(r) || strings.ContainsRune("_.&-", r) {
			return r
		}
		return -1
	}, company.GetIdentifier())
	return fmt.Sprintf("CWM:%d:%s", company.GetId(), strings.TrimFunc(identifier, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
}

// Tagged returns a customer's own reference with a company's tag in it, and whether that is a change: appended after
// " | ", put in the place of the tag that is there, and untouched when the same tag stands there already. Every
// other text stays as it is.
func Tagged(reference string, company *companyv1.Company) (with string, changed bool) {
	want := Tag(company)
	at := tags(reference)
	switch {
	case len(at) == 0 && strings.TrimSpace(reference) == "":
		return want, true
	case len(at) == 0:
		return strings.TrimRight(reference, " ") + " | " + want, true
	case len(at) > 1:
		// Several companies are named: which one is right is a person's to say.
		return reference, false
	case strings.EqualFold(reference[at[0].from:at[0].to], want):
		return reference, false
	}
	return reference[:at[0].from] + want + reference[at[0].to:], true
}

// Untagged returns a reference without one tag, as it was written, and without the bar that led to it. Every other text
// stays as it is.
func Untagged(reference, written string) (without string, changed bool) {
	at := tags(reference)
	i := slices.IndexFunc(at, func(t tag) bool { return written != "" && strings.EqualFold(reference[t.from:t.to], written) })
	if i < 0 {
		return reference, false
	}
	before, after := reference[:at[i].from], reference[at[i].to:]
	trimmed := strings.TrimRight(before, " ")
	switch rest := strings.TrimLeft(after, " "); {
	case strings.HasSuffix(trimmed, "|") && (rest == "" || rest[0] == '|'):
		return strings.TrimRight(strings.TrimSuffix(trimmed, "|"), " ") + after, true
	case trimmed == "" && strings.HasPrefix(rest, "|"):
		return strings.TrimLeft(rest[1:], " "), true
	default:
		return before + after, true
	}
}

// Names says whether a tag, as it was written, names a company.
func Names(written string, company int64) bool {
	at := tags(written)
	return len(at) == 1 && at[0].id == strconv.FormatInt(company, 10)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
