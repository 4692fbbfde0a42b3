package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/covewise/covewise/connectors/cove"
)

// levels of Cove's partners, from the top (N-able documentation).
var levels = []string{"Root", "SubRoot", "Distributor", "SubDistributor", "Reseller", "ServiceOrganization", "EndCustomer", "Site"}

// isAbove reports whether a level lies above a single service provider.
func isAbove(level string) bool { return slices.Contains(levels[:3], level) }

const mostAncestors = 10 // more than there are levels

// top finds the partner whose subtree is watched, and reports whether it may be looked at.
func (e *examination) top(ctx context.Context, who cove.Identity) (cove.Partner, bool) {
	root := e.opts.Root
	if root == 0 {
		root = who.PartnerID
	}
	if root == 0 {
		e.add(Check{
			Name: aboutPartner, Level: Error, Text: "Cove does not say which partner the login belongs to",
			Remedy: "set cove.root to the id of the partner whose devices are to be watched",
		})
		return cove.Partner{}, false
	}
	top, err := e.client.Partner(ctx, root)
	switch {
	case err != nil && e.opts.Root == 0:
		e.add(failure(aboutPartner, "the login's own partner could not be read", err))
	case errors.Is(err, cove.ErrForbidden):
		e.add(outside(root, who))
	case err != nil:
		c := failure(aboutPartner, fmt.Sprintf("the partner of cove.root, %d, could not be read", root), err)
		c.Remedy = "check that cove.root is the id of a partner, or leave it out to watch the login's own; " + c.Remedy
		e.add(c)
	case who.PartnerID != 0 && root != who.PartnerID && !e.isBelow(ctx, top, who.PartnerID):
		e.add(outside(root, who))
	default:
		return top, e.add(level(top)) != Error
	}
	return cove.Partner{}, false
}

func outside(root int64, who cove.Identity) Check {
	return Check{
		Name: aboutPartner, Level: Error, Text: fmt.Sprintf("cove.root %d does not lie below the login's partner %d", root, who.PartnerID),
		Remedy: "set cove.root to a partner below that of the login, leave it out to watch the login's own, or use an API user of the partner to be watched",
	}
}

// isBelow walks up from a partner to an ancestor. Above its own partner a login sees nothing.
func (e *examination) isBelow(ctx context.Context, p cove.Partner, ancestor int64) bool {
	for range mostAncestors {
		if p.ParentID == ancestor {
			e.reach(ctx, ancestor)
			return true
		}
		var err error
		if p, err = e.client.Partner(ctx, p.ParentID); err != nil {
			return false
		}
	}
	return false
}

// reach warns of a login that sees far more than is watched.
func (e *examination) reach(ctx context.Context, own int64) {
	if p, err := e.client.Partner(ctx, own); err == nil && isAbove(p.Level) {
		e.add(Check{
			Name: aboutPartner, Level: Warning, Text: fmt.Sprintf("the login belongs to %s and reaches far more than is watched", named(p)),
			Remedy: "use an API user of the partner that is watched",
		})
	}
}

func named(p cove.Partner) string { return fmt.Sprintf("%q (%s, %d)", p.Name, p.Level, p.ID) }

// level judges the partner whose subtree is watched.
func level(top cove.Partner) Check {
	c := ok(aboutPartner, "what lies below %s is watched", named(top))
	switch {
	case isAbove(top.Level):
		c.Level = Error
		c.Text = fmt.Sprintf("%s is above a single service provider: the devices of other providers would be watched too", named(top))
		c.Remedy = "use an API user of your own partner (level SubDistributor, Reseller, ServiceOrganization or EndCustomer), or set cove.root to it"
	case top.Level == "Site":
		c.Level = Warning
		c.Text = fmt.Sprintf("only the site %s is watched, and stands for a customer", named(top))
		c.Remedy = "set cove.root to the customer or to what is above it, unless this is meant"
	case !slices.Contains(levels, top.Level):
		c.Level = Warning
		c.Text = fmt.Sprintf("what lies below %q (%d) is watched; its level %q is not known", top.Name, top.ID, top.Level)
		c.Remedy = "check in the Cove console that it holds your own customers only"
	}
	return c
}
