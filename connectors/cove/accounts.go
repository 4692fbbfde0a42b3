package cove

import (
	"context"
	"fmt"
	"time"
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
	var outer []byte
	rq := request{method: method, params: map[string]any{"accountId": id}, url: c.management}
	if err := c.call(ctx, rq, readAll(&outer)); err != nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, err)
	}
	var wire wireAccount
	value := inner(outer)
	if err := decode(method, value, &wire); err != nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, err)
	}
	if value == nil {
		return Account{}, fmt.Errorf("reading device %d: %w", id, noResult(method))
	}
	if int64(wire.ID) != id {
		// Its token would bring the errors of another device.
		return Account{}, fmt.Errorf("reading device %d: %w", id, otherThan(method, id, int64(wire.ID)))
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
