package connectwise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"github.com/covewise/covewise/platform/errclass"
)

// site is where one server is found: the login address and the API address, without a path.
type site struct{ login, api string }

// parseSite takes the address as users write it. Cloud servers refuse API calls to the host that people know;
// they answer at the same name behind "api-" [documentation].
func parseSite(text string) (site, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return site{}, errors.New("site: not a URL")
	case u.Host == "" || u.Hostname() == "":
		return site{}, fmt.Errorf("site %q: give it as https://host", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return site{}, fmt.Errorf("site: give only https://%s", u.Host)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return site{}, fmt.Errorf("site: https only, http is for loopback addresses: %s://%s", u.Scheme, u.Host)
	}
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	login := strings.TrimPrefix(host, "api-")
	if !isCloud(login) {
		address := u.Scheme + "://" + u.Host
		return site{login: address, api: address}, nil
	}
	if port != "" {
		port = ":" + port
	}
	return site{login: u.Scheme + "://" + login + port, api: u.Scheme + "://api-" + login + port}, nil
}

func isCloud(host string) bool {
	switch host {
	case "na.myconnectwise.net", "eu.myconnectwise.net", "au.myconnectwise.net", "aus.myconnectwise.net",
		"za.myconnectwise.net", "staging.myconnectwise.net", "staging.connectwisedev.com":
		return true
	}
	return false
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// CompanyInfo is the server's public answer about a login company.
type CompanyInfo struct {
	CompanyName string `json:"CompanyName"`
	CodeBase    string `json:"Codebase"`      // as used in addresses, "v2025_1/"
	Version     string `json:"VersionNumber"` // "v2025.1.117000"
	IsCloud     Flag   `json:"IsCloud"`
}

const lookUp = "look up the code base"

// CompanyInfo asks the server for it, without authentication. A company that the server does not know is an
// AuthTenant error.
func (c *Client) CompanyInfo(ctx context.Context) (CompanyInfo, error) {
	r := request{op: lookUp, method: http.MethodGet}
	a, err := c.exchange(ctx, r, c.site.login+"/login/companyinfo/"+url.PathEscape(c.company), nil)
	if err != nil {
		return CompanyInfo{}, err
	}
	if a.status == http.StatusNotFound || strings.TrimSpace(string(a.body)) == "null" {
		return CompanyInfo{}, errclass.Newf(errclass.AuthTenant, lookUp, "%s knows no company %q", c.site.login, c.company)
	}
	if err := c.failure(r, a); err != nil {
		return CompanyInfo{}, err
	}
	var info CompanyInfo
	if err := json.Unmarshal(a.body, &info); err != nil {
		return CompanyInfo{}, unreadable(r, a, err)
	}
	info.CodeBase = strings.Trim(info.CodeBase, "/")
	if !isCodeBase(info.CodeBase) {
		return CompanyInfo{}, unreadable(r, a, errors.New("it names no usable code base"))
	}
	info.CodeBase += "/"
	return info, nil
}

// isCodeBase keeps whatever the unauthenticated answer says inside one segment of the address.
func isCodeBase(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("._-", r) && !isName("x"+string(r)) {
			return false
		}
	}
	return s != "" && len(s) <= 64 && strings.Trim(s, ".") != ""
}

// codeBase remembers the part of the address that changes with every upgrade of a cloud server.
type codeBase struct {
	turn chan struct{} // one look-up at a time, in which a waiting caller can give up
	mu   sync.Mutex
	name string
}

func (b *codeBase) get() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.name
}

func (b *codeBase) set(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.name = name
}

// currentCodeBase returns a code base other than stale from memory, or else the one that the server names now;
// looked says which.
func (c *Client) currentCodeBase(ctx context.Context, stale string) (name string, looked bool, err error) {
	if name = c.codeBase.get(); name != stale {
		return name, false, nil
	}
	select {
	case c.codeBase.turn <- struct{}{}:
		defer func() { <-c.codeBase.turn }()
	case <-ctx.Done():
		return "", false, errclass.New(errclass.Transient, lookUp, ctx.Err())
	}
	if name = c.codeBase.get(); name != stale {
		return name, false, nil
	}
	info, err := c.CompanyInfo(ctx)
	if err != nil {
		return "", true, err
	}
	if stale != "" && info.CodeBase != stale {
		c.log.InfoContext(ctx, "ConnectWise changed its code base", "from", stale, "to", info.CodeBase)
	}
	c.codeBase.set(info.CodeBase)
	return info.CodeBase, true, nil
}
