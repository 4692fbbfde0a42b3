package tenant

import (
	"time"

	"go.yaml.in/yaml/v3"

	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// HandClose says what follows when a person closes a ticket whose device still fails.
type HandClose string

// The answers to a ticket closed by hand.
const (
	HandCloseReopen  HandClose = "reopen"  // it is opened again at once
	HandCloseNew     HandClose = "new"     // a new one is made at once
	HandCloseRespect HandClose = "respect" // nothing for RespectFor; then it is opened again, or a new one is made
	HandCloseWontFix HandClose = "wontFix" // nothing until the device has recovered and failed again
)

// Deleted says what follows when a person deletes a ticket whose device still fails.
type Deleted string

// The answers to a deleted ticket.
const (
	DeletedLeave Deleted = "leave" // nothing until the device has recovered and failed again
	DeletedNew   Deleted = "new"   // a new one is made
)

// Handling says how tickets answer to what people do with them.
type Handling struct {
	OnHandClose  HandClose     // default HandCloseRespect
	RespectFor   time.Duration // how long HandCloseRespect does nothing; above zero, default 24 h
	ReopenWithin ReopenWithin  // when a closed ticket is opened again rather than a new one made; default 24 h
	OnDeleted    Deleted       // default DeletedLeave
	HourlyCap    int           // tickets made in an hour before further ones are rolled up into one; 0 is any number, default 200
}

// ReopenWithin is a time after a ticket's closing: never, a duration, or always.
type ReopenWithin struct {
	Always bool
	For    time.Duration // 0 means never
}

func defaultHandling() Handling {
	const day = 24 * time.Hour
	return Handling{
		OnHandClose: HandCloseRespect, RespectFor: day, ReopenWithin: ReopenWithin{For: day}, OnDeleted: DeletedLeave, HourlyCap: 200,
	}
}

func handlingFields(h *Handling) []field {
	return []field{
		{"onHandClose", optional, "", oneOf(&h.OnHandClose, HandCloseReopen, HandCloseNew, HandCloseRespect, HandCloseWontFix)},
		{"respectFor", optional, "", duration(&h.RespectFor, positive)},
		{"reopenWithin", optional, "", reopenWithin(&h.ReopenWithin)},
		{"onDeleted", optional, "", oneOf(&h.OnDeleted, DeletedLeave, DeletedNew)},
		{"hourlyCap", optional, "", number(&h.HourlyCap, 0)},
	}
}

// reopenWithin parses never, always or a duration above zero.
func reopenWithin(dst *ReopenWithin) parser {
	return func(r *reader, at place, n *yaml.Node) {
		switch n.Value {
		case "never":
			*dst = ReopenWithin{}
		case "always":
			*dst = ReopenWithin{Always: true}
		default:
			value, complaint := durationOf(n, positive)
			if complaint != "" {
				r.report(at, "%s; or never, or always", complaint)
				return
			}
			*dst = ReopenWithin{For: value}
		}
	}
}

func handClose(h HandClose) tenantv1.HandClose {
	return map[HandClose]tenantv1.HandClose{
		HandCloseReopen: tenantv1.HandClose_HAND_CLOSE_REOPEN, HandCloseNew: tenantv1.HandClose_HAND_CLOSE_NEW,
		HandCloseRespect: tenantv1.HandClose_HAND_CLOSE_RESPECT, HandCloseWontFix: tenantv1.HandClose_HAND_CLOSE_WONT_FIX,
	}[h]
}

func deleted(d Deleted) tenantv1.Deleted {
	return map[Deleted]tenantv1.Deleted{DeletedLeave: tenantv1.Deleted_DELETED_LEAVE, DeletedNew: tenantv1.Deleted_DELETED_NEW}[d]
}
