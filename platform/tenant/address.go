package tenant

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// endpoint parses an address whose path belongs to it.
func endpoint(dst *string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if u := r.address(at, n); u != nil {
			*dst = u.String()
		}
	}
}

// base parses an address to which paths are added.
func base(dst *string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		if u := r.address(at, n); u != nil {
			*dst = strings.TrimRight(u.String(), "/")
		}
	}
}

// site parses the address of a server, without a path; the path depends on the server's code base.
func site(dst *string) parser {
	return func(r *reader, at place, n *yaml.Node) {
		u := r.address(at, n)
		if u == nil {
			return
		}
		host := u.Scheme + "://" + u.Host
		if u.Path != "" && u.Path != "/" {
			r.report(at, "%s goes on after the host; write %s", quote(u.String()), host)
			return
		}
		*dst = host
	}
}

func (r *reader) address(at place, n *yaml.Node) *url.URL {
	value, complaint := textOf(n)
	if complaint == "" && value == "" {
		complaint = "is empty; write https://HOST"
	}
	var u *url.URL
	if complaint == "" {
		u, complaint = parseAddress(value)
	}
	if complaint != "" {
		r.report(at, "%s", complaint)
		return nil
	}
	return u
}

// parseAddress repeats an address in its complaint only when no part can be a password or token.
func parseAddress(s string) (u *url.URL, complaint string) {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return nil, "holds white space; write https://HOST"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, "is not an address; write https://HOST"
	case u.User != nil:
		return nil, "carries a user name or password; remove everything up to the @"
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, "carries a query or fragment; end it before the ? or #"
	case u.Scheme == "" && u.Host == "":
		return nil, fmt.Sprintf("%s has no scheme; write %s", quote(s), quote("https://"+s))
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Sprintf("%s is not https; write https://HOST", quote(s))
	case u.Hostname() == "":
		return nil, fmt.Sprintf("%s names no host; write https://HOST", quote(s))
	case !validPort(u):
		return nil, fmt.Sprintf("%s has no valid port; write 1 to 65535 or leave it out", quote(s))
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Sprintf("%s is not https (http is accepted for loopback addresses only); write https%s", quote(s), s[len("http"):])
	}
	return u, ""
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// loopback trusts no names but localhost: a name such as 127.0.0.1.example.net may lead anywhere.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return addr.Unmap().IsLoopback()
}
