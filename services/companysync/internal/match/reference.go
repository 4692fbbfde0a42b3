package match

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// tag is how a customer's reference names its company: "CWM:1445:AlphaIndustries", alone or among other
// texts that are separated by "|".
var tag = regexp.MustCompile(`(?i)CWM:(\d+):?([^|]*)`)

// convention is how a customer's name names its company in an older way: "Alpha | CWM ~ 1445".
var convention = regexp.MustCompile(`\s*\|[^|~]*~\s*(\d+)\s*$`)

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
	if found := convention.FindStringSubmatch(customer.GetName()); found != nil {
		return []string{plainDigits(found[1])}, idPlace{companyv1.LinkMethod_LINK_METHOD_NAME_ID, "the customer's name", "named by the name"}
	}
	return nil, idPlace{}
}

// references returns the distinct company ids that a reference names, as written but without leading zeros.
func references(reference string) []string {
	var ids []string
	for _, found := range tag.FindAllStringSubmatch(reference, -1) {
		if id := plainDigits(found[1]); !slices.Contains(ids, id) {
			ids = append(ids, id)
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

// referenceText returns what a reference says besides ids, if that is one text and no list.
func referenceText(reference string) string {
	text := ""
	for part := range strings.SplitSeq(tag.ReplaceAllString(reference, ""), "|") {
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

// Tag returns how a customer's reference names a company.
func Tag(company *companyv1.Company) string {
	// A bar would begin another text.
	return fmt.Sprintf("CWM:%d:%s", company.GetId(), strings.TrimSpace(strings.ReplaceAll(company.GetIdentifier(), "|", "")))
}

// Tagged returns a customer's own reference with a company's tag in it, and whether that is a change: appended after
// " | ", put in the place of the first tag that is there, and untouched when the same tag stands there already. Every
// other text stays as it is.
func Tagged(reference string, company *companyv1.Company) (with string, changed bool) {
	want := Tag(company)
	at := tag.FindAllStringIndex(reference, -1)
	switch {
	case len(at) == 0 && strings.TrimSpace(reference) == "":
		return want, true
	case len(at) == 0:
		return strings.TrimRight(reference, " ") + " | " + want, true
	case len(at) > 1:
		// Several companies are named: which one is right is a person's to say.
		return reference, false
	}
	old := reference[at[0][0]:at[0][1]]
	bare := strings.TrimRightFunc(old, unicode.IsSpace)
	if bare == want {
		return reference, false
	}
	return reference[:at[0][0]] + want + old[len(bare):] + reference[at[0][1]:], true
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
