package connectwise

import (
	"net/url"
	"strings"
)

// ServerName names the server on which record ids mean something: "<company>@<host>", for a site as users write it.
// It is empty when the site names no host. The cloud answers under "api-" as well, which is left out.
func ServerName(site, company string) string {
	u, err := url.Parse(strings.TrimSpace(site))
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if strings.HasSuffix(host, ".myconnectwise.net") {
		host = strings.TrimPrefix(host, "api-")
	}
	return company + "@" + host
}

// paceKey is equal for all sites and companies that mean one server: ConnectWise does not look at the case of a company id.
func paceKey(s site, company string) string { return strings.ToLower(ServerName(s.login, company)) }
