package cove

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/covewise/covewise/platform/errclass"
)

// Cove's own error numbers, in RPCError.Data. No others are known for certain.
const (
	DataVisa      = 1701  // the visa is missing, too old, malformed or in the wrong place
	DataLogin     = 2100  // unknown partner or user, or a wrong password
	DataForbidden = 13501 // the login may not call the method, see the partner, or read one of the columns
)

// The answers that callers tell apart, to be found with errors.Is. Everything else is told by its class alone.
var (
	// ErrLogin means that Cove does not know the partner or the user, or that the password is wrong.
	ErrLogin = errors.New("cove: the login was refused")
	// ErrForbidden means that the login may not call the method or see the partner.
	ErrForbidden = errors.New("cove: the login has no right to this")
)

// RPCError is an error that Cove answered. Such answers come with HTTP status 200.
type RPCError struct {
	Method  string // the method called
	Code    int    // the generic JSON-RPC number, mostly -32603
	Data    int    // Cove's number, 0 when there was none
	Message string // Cove's words, redacted and cut to 300 characters
}

// Error returns the method, the message and the numbers.
func (e *RPCError) Error() string {
	message := e.Message
	if message == "" {
		message = "no message"
	}
	if e.Data == 0 {
		return fmt.Sprintf("%s: Cove answered an error: %s (code %d)", e.Method, message, e.Code)
	}
	return fmt.Sprintf("%s: Cove answered an error: %s (code %d, data %d)", e.Method, message, e.Code, e.Data)
}

// Is reports whether the error is ErrLogin or ErrForbidden.
func (e *RPCError) Is(target error) bool {
	return target == ErrLogin && e.Data == DataLogin || target == ErrForbidden && e.Data == DataForbidden
}

// wireError is the error member of an answer.
type wireError struct {
	Code    number `json:"code"`
	Data    number `json:"data"`
	Message text   `json:"message"`
}

func parseRPCError(method string, raw json.RawMessage, secrets []Secret) *RPCError {
	var wire wireError
	if err := json.Unmarshal(raw, &wire); err != nil {
		// An error member of another shape is an error all the same.
		wire.Message = text(rawText(raw))
	}
	message := strings.TrimSpace(printable(redact(string(wire.Message), secrets...)))
	return &RPCError{Method: method, Code: int(wire.Code), Data: int(wire.Data), Message: cut(message, 300)}
}

// classifyRPC gives an answered error its class. Only the three documented numbers have a meaning of their
// own. An error of a storage node concerns one device and never the tenant's login.
func classifyRPC(place place, err *RPCError) error {
	op := "calling Cove"
	if place == placeNode {
		return errclass.New(errclass.Rejected, "asking the storage node", err)
	}
	switch err.Data {
	case DataVisa:
		return errclass.Newf(errclass.AuthTenant, op, "a visa from a new login is refused too: %w", err)
	case DataLogin:
		return errclass.Newf(errclass.AuthTenant, op, "check the partner's exact name, the user name and the password: %w", err)
	case DataForbidden:
		return errclass.Newf(errclass.AuthTenant, op,
			"the login has no right to call %s for this partner or these columns; its role must be Operator or higher, in the partner at the root of the devices: %w", err.Method, err)
	default:
		return errclass.New(errclass.Rejected, op, err)
	}
}

// classifyStatus gives an answer with another HTTP status than 200 its class.
func classifyStatus(rq request, resp *http.Response, wait retryPolicy, came string) error {
	op := "calling Cove"
	if rq.place == placeNode {
		op = "asking the storage node"
	}
	text := fmt.Sprintf("%s: %s", rq.method, came)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		return &errclass.Error{Class: errclass.RateLimited, Op: op, RetryAfter: wait.retryAfter(resp), Err: errors.New(text)}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		if rq.place == placeNode {
			return errclass.New(errclass.Rejected, op, errors.New(text))
		}
		return errclass.New(errclass.AuthTenant, op, errors.New(text))
	case status >= 300 && status < 400:
		return errclass.Newf(errclass.Transient, op, "%s; redirects are not followed", text)
	case status == http.StatusRequestTimeout || status >= 500 || status < 300:
		return errclass.New(errclass.Transient, op, errors.New(text))
	default:
		return errclass.New(errclass.Rejected, op, errors.New(text))
	}
}

// classifyFault gives a failure on the way its class. A storage node with a certificate that does not verify
// (known of nodes outside the vendor's domains) stays that way, so only that node is given up.
func classifyFault(rq request, err error) error {
	if rq.place == placeNode {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			host := ""
			if node, err := url.Parse(rq.url); err == nil {
				host = node.Hostname()
			}
			return skipped(host, SkipCertificate, fmt.Errorf("%s: its certificate is not trusted: %w", rq.method, err))
		}
		return errclass.Newf(errclass.Transient, "asking the storage node", "%s: %w", rq.method, err)
	}
	return errclass.Newf(errclass.Transient, "calling Cove", "%s: %w", rq.method, err)
}

// cut returns at most n runes of s.
func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}
