package connectwise

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// APIError is an answer of the server that is not a success. It travels inside an errclass.Error, whose class
// decides what happens; the texts here are for people and hold no credentials, even when the server repeats them.
type APIError struct {
	Status  int          // HTTP status
	Code    string       // such as "InvalidObject", "NotFound"; empty when the body was not the API's
	Message string       // the server's sentence, or what was found instead of one
	Errors  []FieldError // which members of the body were refused
	Right   string       // what the API member's role needs for the request; only with status 403, and where it is known
}

// FieldError is the server's complaint about one member of a record.
type FieldError struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Resource string `json:"resource"`
	Field    string `json:"field"`
}

// Error returns status, code, message and the complaints in one line.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, f := range e.Errors {
		b.WriteString("; ")
		if f.Field != "" {
			b.WriteString(f.Field + ": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// effect says what a repetition of a request would do.
type effect uint8

const (
	reads      effect = iota // nothing: GET, and POST …/search
	repeatable               // what the first one did: a PATCH that replaces whole values
	once                     // something more: a creating POST, a PATCH that adds or removes
)

// ambiguous is the class of a failure after which nobody knows whether the server did its work.
func (e effect) ambiguous() errclass.Class {
	if e == once {
		return errclass.UnknownOutcome
	}
	return errclass.Transient
}

// classOf decides what an HTTP status means; ok is true for a success. record says that a 404 concerns the
// record and not the endpoint. A 4xx other than 408 and 499 proves that a write was not executed.
func classOf(e effect, status int, record bool) (class errclass.Class, ok bool) {
	switch {
	case status >= 200 && status <= 299:
		return 0, true
	case status == http.StatusBadRequest:
		return errclass.Rejected, false
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return errclass.AuthTenant, false
	case status == http.StatusNotFound && record:
		return errclass.NotFound, false
	case status == http.StatusNotFound: // cloud servers answer wrong company or keys this way [client]
		return errclass.AuthTenant, false
	case status == http.StatusProxyAuthRequired, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly:
		return errclass.Transient, false // refused on the way, before ConnectWise saw it
	case status == http.StatusConflict:
		return errclass.Conflict, false
	case status == http.StatusTooManyRequests:
		return errclass.RateLimited, false
	case status == http.StatusRequestTimeout, status == 499:
		return e.ambiguous(), false
	case status == http.StatusFound, status == http.StatusSeeOther: // a POST may have been executed before them
		return e.ambiguous(), false
	case status == http.StatusTemporaryRedirect:
		return errclass.Transient, false
	case status >= 300 && status <= 499:
		return errclass.Rejected, false
	default:
		return e.ambiguous(), false
	}
}

const (
	defaultRetryAfter = 30 * time.Second // what clients wait when the header is missing [client]
	longestRetryAfter = time.Hour
)

// retryAfter reads the header as seconds or as a date; 30 s when it is absent, and never more than an hour.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	wait := defaultRetryAfter
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds >= 0 {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, time.Second), longestRetryAfter)
}

// apiError reads the server's complaint as far as it can be read.
func apiError(a answer) *APIError {
	clean := func(s string) string { return shorten(a.secrets.Replace(s)) }
	e := &APIError{Status: a.status}
	var body struct {
		Code    string       `json:"code"`
		Error   string       `json:"error"` // the 429 has it in place of code
		Message string       `json:"message"`
		Errors  []FieldError `json:"errors"`
	}
	switch {
	case a.status >= 300 && a.status <= 399:
		e.Message = "redirects to " + clean(redirectHost(a.header))
	case json.Unmarshal(a.body, &body) == nil && body.Code+body.Error+body.Message != "":
		e.Code, e.Message = clean(body.Code), clean(body.Message)
		if e.Code == "" {
			e.Code = clean(body.Error)
		}
		for _, f := range body.Errors {
			e.Errors = append(e.Errors, FieldError{Code: clean(f.Code), Message: clean(f.Message), Resource: clean(f.Resource), Field: clean(f.Field)})
		}
	case a.html():
		e.Message = "an HTML page"
	case len(bytes.TrimSpace(a.body)) == 0:
		e.Message = http.StatusText(a.status)
	default:
		e.Message = clean(string(a.body))
	}
	return e
}

func redirectHost(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return "another address of the same host"
	}
	return u.Host
}

// shorten keeps the first 500 characters, in one line of valid UTF-8.
func shorten(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if runes := []rune(s); len(runes) > 500 {
		return string(runes[:500]) + "…"
	}
	return s
}

// credentials are one request's keys.
type credentials struct{ company, public, private string }

func (k credentials) user() string { return k.company + "+" + k.public }

// secrets returns a replacer that takes the keys out of any text, in the forms in which a server or a library
// is likely to repeat them.
func (k credentials) secrets() *strings.Replacer {
	pair := k.user() + ":" + k.private
	forms := []string{
		base64.StdEncoding.EncodeToString([]byte(pair)), base64.RawStdEncoding.EncodeToString([]byte(pair)),
		base64.URLEncoding.EncodeToString([]byte(pair)), base64.RawURLEncoding.EncodeToString([]byte(pair)),
	}
	for _, key := range []string{k.private, k.public} {
		quoted := strings.Trim(strconv.Quote(key), `"`)
		forms = append(forms, key, quoted, url.QueryEscape(key), url.PathEscape(key), html.EscapeString(key))
	}
	// The replacer takes the first that fits, and a short form may be the beginning of a long one.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, "[redacted]")
	}
	return strings.NewReplacer(pairs...)
}
