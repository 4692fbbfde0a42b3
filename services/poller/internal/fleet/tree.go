// Package fleet holds what a poller decides about a tenant's fleet without asking anybody: which customer a
// device belongs to, whether an enumeration is complete, and which devices changed. It does no I/O.
package fleet

import (
	"strconv"

	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Levels of Cove partners that matter here; the others lie above a customer.
const (
	levelCustomer = "EndCustomer"
	levelSite     = "Site"
)

// Tree is a tenant's partner tree by id.
type Tree map[string]*statusv1.Partner

// NewTree indexes partners.
func NewTree(partners []*statusv1.Partner) Tree {
	tree := make(Tree, len(partners))
	for _, p := range partners {
		tree[p.GetId()] = p
	}
	return tree
}

// Owner is the customer and the site that a device belongs to.
type Owner struct {
	Customer *statusv1.Customer
	Site     string // name of the site below the customer, or empty
	Known    bool   // false when the tree does not hold the device's partner
}

// Owner resolves the partner that owns a device directly. The customer is the nearest partner of level
// EndCustomer; a device above all customers belongs to its own partner. Partners are searched by level, not
// by position, because levels may be skipped (N-able's partner hierarchy).
func (t Tree) Owner(partnerID, partnerName string) Owner {
	direct, known := t[partnerID]
	if !known {
		return Owner{Customer: &statusv1.Customer{Id: partnerID, Name: partnerName}}
	}
	site := ""
	// The bound ends a walk through a tree whose parents form a ring.
	for p, steps := direct, 0; p != nil && steps <= len(t); p, steps = t[p.GetParentId()], steps+1 {
		if p.GetLevel() == levelCustomer {
			return Owner{Customer: customer(p), Site: site, Known: true}
		}
		if p.GetLevel() == levelSite && site == "" {
			site = p.GetName()
		}
	}
	return Owner{Customer: customer(direct), Known: true}
}

func customer(p *statusv1.Partner) *statusv1.Customer {
	return &statusv1.Customer{Id: p.GetId(), Name: p.GetName(), Level: p.GetLevel(), State: p.GetState(), Reference: p.GetReference(), Removed: p.GetRemoved()}
}

// OutOfDate reports whether a device's row contradicts the tree: its partner is unknown, or the row's
// partner name (column AR) or reference (column PF) differs from the tree's. What is known of a removed partner comes
// from its past, so the row may well differ.
func (t Tree) OutOfDate(d Device) bool {
	p, known := t[strconv.FormatInt(d.PartnerID, 10)]
	return !known || !p.GetRemoved() && (d.PartnerName != p.GetName() || d.Columns["PF"] != p.GetReference())
}

// Unknown returns a partner that the tree lacks on the way from a device's partner to the top, or "" when there is
// none that matters: a way that reached a customer needs no more.
func (t Tree) Unknown(partnerID, root string) string {
	for id, steps := partnerID, 0; steps <= len(t); steps++ {
		p, known := t[id]
		switch {
		case !known:
			return id
		case !p.GetRemoved() || p.GetLevel() == levelCustomer || id == root:
			return ""
		}
		if id = p.GetParentId(); id == "" || id == "0" {
			return ""
		}
	}
	return ""
}
