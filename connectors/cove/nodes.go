package cove

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/covewise/covewise/platform/errclass"
)

// SkipReason says why a storage node is not asked.
type SkipReason string

// The reasons, fit for a metric label.
const (
	SkipNoNode      SkipReason = "no_node"     // the account information names none
	SkipHost        SkipReason = "host"        // its host is outside the vendor's domains and not allowed, or no host name
	SkipCertificate SkipReason = "certificate" // its certificate does not verify; verification is never switched off
)

// SkippedNodeError means that the sessions of a device are not known because its storage node is not trusted, and will
// not be until somebody changes that. It is found with errors.As; its class is errclass.Rejected.
type SkippedNodeError struct {
	Host   string // at most 80 characters; "" when there is none
	Reason SkipReason
	err    error
}

// Error returns the reason in words.
func (e *SkippedNodeError) Error() string { return e.err.Error() }

// Unwrap returns what happened.
func (e *SkippedNodeError) Unwrap() error { return e.err }

func skipped(host string, reason SkipReason, err error) error {
	return errclass.New(errclass.Rejected, "asking the storage node", &SkippedNodeError{Host: cut(printable(host), 80), Reason: reason, err: err})
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// vendorDomains are where Cove's own storage nodes are.
func vendorDomains() []string { return []string{".cloudbackup.management", ".backup.management"} }

// nodePolicy decides where a device's token may be sent. The host comes from an answer, so it is not trusted.
type nodePolicy struct {
	loopback bool     // the management service is on loopback over plain http, and so must the nodes be
	allow    []string // lower-case host names or *.domain
}

// url returns the address of the reporting service of a storage node.
func (p nodePolicy) url(node string) (string, error) {
	host, port := splitHost(strings.ToLower(strings.TrimSpace(node)))
	refuse := func(reason SkipReason, format string, args ...any) (string, error) {
		return "", skipped(host, reason, fmt.Errorf(format, args...))
	}
	switch {
	case host == "":
		return refuse(SkipNoNode, "the account information names no storage node")
	case p.loopback && isLoopback(host):
		u := url.URL{Scheme: "http", Host: hostPort(host, port), Path: nodePath}
		return u.String(), nil
	case p.loopback:
		return refuse(SkipHost, "host %q is not on loopback, while Cove's URL is", cut(host, 80))
	case !hostName.MatchString(host):
		return refuse(SkipHost, "%q is no host name", cut(host, 80))
	case !p.allowed(host):
		return refuse(SkipHost, "host %s is outside the vendor's domains; allow it for this tenant if it is a storage node you trust", cut(host, 80))
	}
	// The port that the account information names belongs to the backup protocol.
	u := url.URL{Scheme: "https", Host: host, Path: nodePath}
	return u.String(), nil
}

func (p nodePolicy) allowed(host string) bool {
	vendors := slices.ContainsFunc(vendorDomains(), func(domain string) bool { return strings.HasSuffix(host, domain) })
	return vendors || slices.ContainsFunc(p.allow, func(allowed string) bool {
		domain, isWildcard := strings.CutPrefix(allowed, "*")
		return host == allowed || isWildcard && strings.HasSuffix(host, domain)
	})
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}
