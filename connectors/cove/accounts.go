package cove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/covewise/covewise/platform/errclass"
)

// Account is one device as GetAccountInfoById shows it.
type Account struct {
	ID        int64
	Name      string // the unique device name, AN
	Alias     string
	PartnerID int64
	ProductID int64
	Type      string    // "BackupManager" for systems
	Token     Secret    // opens the device's sessions
	Created   time.Time // zero when unknown
	Node      string    // host, or host:port, of its storage node
	NodeName  string    // the vendor's name of that node, such as "us.chi.17.01"
}

type wireAccount struct {
	ID           number `json:"Id"`
	Name         text   `json:"Name"`
	NameAlias    text   `json:"NameAlias"`
	PartnerID    number `json:"PartnerId"`
	ProductID    number `json:"ProductId"`
	Type         text   `json:"Type"`
	Token        text   `json:"Token"`
	CreationTime number `json:"CreationTime"`
}

type wireNode struct {
	CommonInfo struct {
		Name text `json:"Name"`
		Host text `json:"Host"`
	} `json:"CommonInfo"`
}

// Account returns one device with its token and storage node (GetAccountInfoById).
func (c *Client) Account(ctx context.Context, id int64) (Account, error) {
	const method = "GetAccountInfoById"
	var outer json.RawMessage
	rq := request{method: method, params: map[string]any{"accountId": id}, url: c.management}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, err)
	}
	var wire wireAccount
	value := inner(outer)
	if err := decode(method, value, &wire); err != nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, err)
	}
	if value == nil || wire.ID == 0 {
		return Account{}, fmt.Errorf("reading device %d: %w", id, noResult(method))
	}
	var beside struct {
		Node *wireNode `json:"homeNodeInfo"`
	}
	if err := decode(method, outer, &beside); err != nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, err)
	}
	account := Account{
		ID:        int64(wire.ID),
		Name:      string(wire.Name),
		Alias:     string(wire.NameAlias),
		PartnerID: int64(wire.PartnerID),
		ProductID: int64(wire.ProductID),
		Type:      string(wire.Type),
		Token:     NewSecret(string(wire.Token)),
		Created:   wire.CreationTime.time(),
	}
	if beside.Node != nil {
		account.Node = string(beside.Node.CommonInfo.Host)
		account.NodeName = string(beside.Node.CommonInfo.Name)
	}
	return account, nil
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
	refuse := func(format string, args ...any) (string, error) {
		return "", errclass.Newf(errclass.Rejected, "asking the storage node", format, args...)
	}
	switch {
	case host == "":
		return "", errclass.New(errclass.Rejected, "asking the storage node", errors.New("the account information names no storage node"))
	case p.loopback && isLoopback(host):
		u := url.URL{Scheme: "http", Host: hostPort(host, port), Path: nodePath}
		return u.String(), nil
	case p.loopback:
		return refuse("host %q is not on loopback, while Cove's URL is", cut(host, 80))
	case !hostName.MatchString(host):
		return refuse("%q is no host name", cut(host, 80))
	case !p.allowed(host):
		return refuse("host %s is outside the vendor's domains; allow it for this tenant if it is a storage node you trust", cut(host, 80))
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
