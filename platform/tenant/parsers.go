package tenant

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Whether a zone name is right must not depend on what the host has installed.
	"unicode"

	"go.yaml.in/yaml/v3"
)

// check returns what is wrong with a text and the remedy, or "".
type check func(text string) (complaint string)

// textOf returns the text of a node that is text, with neither line breaks nor white space around it.
func textOf(n *yaml.Node) (text, complaint string) {
	switch found := kind(n); {
	case isNull(n):
		return "", "has no value; write one or remove the line"
	case n.Kind != yaml.ScalarNode:
		return "", fmt.Sprintf("is %s, not text; write a single value", found)
	case found != "text":
		return "", fmt.Sprintf("is %s, not text; put it in quotes", found)
	case strings.TrimSpace(n.Value) != n.Value:
		return "", "begins or ends with white space; remove it"
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		return "", "holds line breaks or control characters; write it on one line"
	default:
		return n.Value, ""
	}
}

// text parses a text that must not be empty and passes the checks.
func text(dst *string, checks ...check) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := textOf(n)
		if complaint == "" && value == "" {
			complaint = "is empty; write a value"
		}
		for _, c := range checks {
			if complaint == "" {
				complaint = c(value)
			}
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = value
	}
}

// optionalText parses a text that may be empty or left without a value.
func optionalText(dst *string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if isNull(n) {
			return
		}
		value, complaint := textOf(n)
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = value
	}
}

// oneOf parses one of a few words.
func oneOf[T ~string](dst *T, words ...T) parser {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	choice := strings.Join(names, ", ")
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := textOf(n)
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		for _, w := range words {
			if string(w) == value {
				*dst = w
				return
			}
		}
		remedy := "write one of them"
		if meant := nearest(value, names); meant != "" {
			remedy = "did you mean " + meant + "?"
		}
		r.report(at, "%s is none of %s; %s", quote(value), choice, remedy)
	}
}

// creation parses companies.create. YAML 1.1 reads an unquoted off as false, and some tools write it
// back as such, so false is taken for what its author meant.
func creation(dst *Create) parser {
	words := oneOf(dst, CreateOff, CreateApprove, CreateAuto)
	return func(r *reader, at place, n *yaml.Node) {
		if n.ShortTag() != "!!bool" {
			words(r, at, n)
			return
		}
		if strings.EqualFold(n.Value, "false") {
			*dst = CreateOff
			return
		}
		r.report(at, `is true, which does not say how companies are created; write "off", approve or auto`)
	}
}

func boolean(dst *bool) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if n.ShortTag() != "!!bool" {
			r.report(at, "is %s, not true or false; write true or false without quotes", kind(n))
			return
		}
		*dst = strings.EqualFold(n.Value, "true")
	}
}

// number parses a whole number of at least least. Counts travel with 32 bits; ids, which are int64, may be larger.
func number[T int | int64](dst *T, least int64) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := wholeNumber(n, least)
		if _, id := any(dst).(*int64); complaint == "" && !id && value > math.MaxInt32 {
			complaint = fmt.Sprintf("%d is more than %d; write %d or less", value, math.MaxInt32, math.MaxInt32)
		}
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = T(value)
	}
}

// wholeNumber takes plain decimal numbers only: YAML reads 010 as eight and 1_000 as a thousand.
func wholeNumber(n *yaml.Node, least int64) (value int64, complaint string) {
	if n.Kind != yaml.ScalarNode || kind(n) != "a number" {
		remedy := "write the number"
		if kind(n) == "text" {
			remedy += " without quotes or units"
		}
		return 0, fmt.Sprintf("is %s, not a whole number; %s", kind(n), remedy)
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || strconv.FormatInt(value, 10) != n.Value {
		return 0, fmt.Sprintf("%s is not a whole number in plain digits; write digits only", printable(n.Value))
	}
	if value < least {
		return 0, fmt.Sprintf("%d is less than %d; write %d or more", value, least, least)
	}
	return value, ""
}

// positive is the least duration where any above zero will do.
const positive = time.Nanosecond

// duration parses a duration of at least least.
func duration(dst *time.Duration, least time.Duration) parser {
	return func(r *reader, at place, n *yaml.Node) {
		value, complaint := durationOf(n, least)
		if complaint != "" {
			r.report(at, "%s", complaint)
			return
		}
		*dst = value
	}
}

const durationRemedy = "write a number with its unit, such as 90s, 15m, 24h or 14d"

func durationOf(n *yaml.Node, least time.Duration) (value time.Duration, complaint string) {
	const remedy = durationRemedy
	switch {
	case kind(n) == "a number":
		return 0, fmt.Sprintf("%s has no unit; %s", printable(n.Value), remedy)
	case kind(n) != "text":
		return 0, fmt.Sprintf("is %s, not a duration; %s", kind(n), remedy)
	}
	value, err := parseDuration(n.Value)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%s is not a duration; %s", quote(n.Value), remedy)
	case value < least && least == positive:
		return 0, fmt.Sprintf("%s is not above zero; %s", n.Value, remedy)
	case value < least:
		return 0, fmt.Sprintf("%s is shorter than %s; write %s or more", n.Value, least, least)
	}
	return value, ""
}

var daysFirst = regexp.MustCompile(`^(\d{1,5})d(.*)$`)

// parseDuration is time.ParseDuration with whole days of 24 hours before the rest.
func parseDuration(s string) (time.Duration, error) {
	parts := daysFirst.FindStringSubmatch(s)
	if parts == nil {
		return time.ParseDuration(s)
	}
	days, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, err
	}
	var rest time.Duration
	if parts[2] != "" {
		if rest, err = time.ParseDuration(parts[2]); err != nil {
			return 0, err
		}
	}
	if rest < 0 || rest > 24*time.Hour {
		return 0, fmt.Errorf("%s after the days", parts[2])
	}
	return time.Duration(days)*24*time.Hour + rest, nil
}

// list parses a list of values. An item's complaint is reported on the item's line.
func list[T any](dst *[]T, item func(*yaml.Node) (value T, complaint string)) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.report(at, "is %s, not a list; write [ONE, TWO]", kind(n))
			return
		}
		values := make([]T, 0, len(n.Content))
		for i, c := range n.Content {
			value, complaint := item(c)
			if complaint != "" {
				r.report(place{key: fmt.Sprintf("%s[%d]", at.key, i), line: c.Line}, "%s", complaint)
				continue
			}
			values = append(values, value)
		}
		*dst = values
	}
}

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

func tenantID(s string) string {
	if idPattern.MatchString(s) {
		return ""
	}
	return fmt.Sprintf(`%s is not a tenant id; write 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`, quote(s))
}

// guid does not repeat the value: what is pasted into the wrong key may be a secret.
func guid(s string) string {
	if guidPattern.MatchString(s) {
		return ""
	}
	return "is not a GUID; copy the client id from developer.connectwise.com, such as 0f0e0d0c-1111-2222-3333-444455556666"
}

func zoneName(s string) string {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return fmt.Sprintf("%s is not a time zone; write an IANA name such as Europe/London", quote(s))
	}
	return ""
}

func hostName(n *yaml.Node) (host, complaint string) {
	text, complaint := textOf(n)
	if complaint != "" {
		return "", complaint
	}
	host = strings.ToLower(text)
	if _, err := netip.ParseAddr(host); err == nil || hostPattern.MatchString(host) {
		return host, ""
	}
	return "", "is not a host name or address; write the name alone, without scheme, port or path"
}
