package group

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest is how much of a text tells causes apart.
const longest = 300

// What differs between devices in the text of one cause. Codes of errors (0x800423F4, 404) stay: they are the cause.
var specifics = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+`), "<address>"},
	{regexp.MustCompile(`\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?`), "<id>"},
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}([t ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(z|[+-]\d{2}:?\d{2})?)?`), "<time>"},
	{regexp.MustCompile(`\b\d{1,2}:\d{2}:\d{2}(\.\d+)?\b`), "<time>"},
	{regexp.MustCompile(`(\[[0-9a-f:]*:[0-9a-f:]+\]|\b\d{1,3}(\.\d{1,3}){3})(:\d+)?`), "<host>"},
	{regexp.MustCompile(`\b([a-z0-9-]+\.)+[a-z]{2,}(:\d+)\b`), "<host>"},
	{regexp.MustCompile(`\b([a-z0-9-]+\.){2,}[a-z]{2,}\b`), "<host>"},
	{regexp.MustCompile(`\b[a-z]:\\[^\s"',;]*`), "<path>"},
	{regexp.MustCompile(`\\\\[^\s"',;]+`), "<path>"},
	{regexp.MustCompile(`(^|[\s"'(=])/[^\s"',;)]+`), "$1<path>"},
	{regexp.MustCompile(`\b\d{5,}\b`), "#"},
}

var (
	hosts       = regexp.MustCompile(`\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b`)
	credentials = regexp.MustCompile(`\b(invalid|incorrect|wrong|expired|bad)\b.{0,20}\b(credentials?|passwords?|passphrase|logins?|tokens?)\b|\b(logon failure|authentication failed|unable to authenticate|password (is |has )?(incorrect|expired|invalid))\b`)
)

// vendorNodes is the domain of the vendor's own storage nodes (N-able documentation of the storage node service).
const vendorNodes = ".cloudbackup.management"

// read cleans the text of an error. remote says that it is about a request of ours to the storage node, so that any
// host in it is the node.
func read(text, code string, d Device, remote bool) symptom {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	s := symptom{host: node(text, remote)}
	for _, name := range []string{d.Name, d.ComputerName} {
		text = withoutWord(text, strings.ToLower(name))
	}
	for _, x := range specifics {
		text = x.pattern.ReplaceAllString(text, x.with)
	}
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest])
	}
	s.text = text
	s.sign = "says:" + text
	if code != "" && code != "0" {
		s.sign += " code:" + strings.ToLower(code)
	}
	return s
}

// node returns the host of the storage node that a text names, or "".
func node(text string, remote bool) string {
	for _, host := range hosts.FindAllString(text, -1) {
		if strings.HasSuffix(host, vendorNodes) || remote && strings.Count(host, ".") > 1 || strings.Contains(text, "storage node") && strings.Count(host, ".") > 1 {
			return host
		}
	}
	return ""
}

func aboutCredentials(text string) bool { return credentials.MatchString(text) }

// withoutWord takes a device's name out of a text where it stands for itself: in "connection reset", a device called
// "set" is not meant.
func withoutWord(text, name string) string {
	if utf8.RuneCountInString(name) < 3 {
		return text
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		last, _ := utf8.DecodeLastRuneInString(b.String())
		next, _ := utf8.DecodeRuneInString(after)
		if inWord(last) || inWord(next) {
			b.WriteString(name)
		} else {
			b.WriteString("<device>")
		}
		text = after
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }
