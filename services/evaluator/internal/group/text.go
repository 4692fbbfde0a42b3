package group

import (
	"net"
	"regexp"
	"strings"

	"github.com/covewise/covewise/services/evaluator/internal/cause"
)

var (
	hosts       = regexp.MustCompile(`\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b`)
	credentials = regexp.MustCompile(`\b(invalid|incorrect|wrong|expired|bad)\b.{0,20}\b(credentials?|passwords?|passphrase|logins?|tokens?)\b|\b(logon failure|authentication failed|unable to authenticate|password (is |has )?(incorrect|expired|invalid))\b`)

	// How texts say that something did not answer, whoever asked.
	noAnswer = regexp.MustCompile(`\b(eof|time-?out|timed out|deadline exceeded|unreachable|no such host|no route to host|service unavailable|bad gateway|does not respond|did not respond|not responding|(connection|connect|connecting)\b.{0,80}\b(refused|reset|lost|closed|aborted|failed|broken|interrupted)|(could not|cannot|can't|unable to|failed to) connect)\b`)

	// How the poller says which storage node did not tell a session's errors.
	notAsked = regexp.MustCompile(`^storage node (\S+) is not asked any further\b`)
	asked    = regexp.MustCompile(`\basking the storage node: .*\bhttps?://([^/"\s]+)`)
)

// vendorNodes is the domain of the vendor's own storage nodes (N-able documentation of the storage node service).
const vendorNodes = ".cloudbackup.management"

// read evens out the text of an error.
func read(text, code string, d Device) symptom {
	lower := strings.ToLower(strings.Join(strings.Fields(text), " "))
	s := symptom{host: node(lower), text: cause.Text(text, d.Name, d.ComputerName)}
	if s.host != "" && noAnswer.MatchString(lower) {
		s.sign = down(s.host)
		return s
	}
	s.sign = "says:" + s.text
	if code != "" && code != "0" {
		s.sign += " code:" + strings.ToLower(code)
	}
	return s
}

// down is what devices show alike whose storage node cannot be reached, whoever says so and in which words.
func down(host string) string { return "down:" + host }

// unread reads why errors are not known. It is a symptom of the device only when its storage node gives no answer: any
// other failure to ask says nothing of why the device is in trouble.
func unread(why string) (symptom, bool) {
	why = strings.ToLower(why)
	host := ""
	for _, pattern := range []*regexp.Regexp{notAsked, asked} {
		if found := pattern.FindStringSubmatch(why); found != nil {
			host = withoutPort(found[1])
			break
		}
	}
	if !strings.ContainsAny(host, ".:") || !noAnswer.MatchString(why) {
		return symptom{}, false // the reporting service of Microsoft 365 has a name without a dot: it keeps no backups
	}
	return symptom{host: host, sign: down(host)}, true
}

// withoutPort takes the port from a host: a storage node's port for backups is not that of its sessions. Addresses keep
// theirs, because several nodes may be behind one.
func withoutPort(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil || net.ParseIP(name) != nil {
		return host
	}
	return name
}

// node returns the host of the storage node that a text in lower case names, or "".
func node(text string) string {
	for _, host := range hosts.FindAllString(text, -1) {
		if strings.HasSuffix(host, vendorNodes) || strings.Contains(text, "storage node") && strings.Count(host, ".") > 1 {
			return host
		}
	}
	return ""
}

func aboutCredentials(text string) bool { return credentials.MatchString(text) }
