package answer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/covewise/covewise/connectors/connectwise"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	"github.com/covewise/covewise/services/companysync/internal/directory"
)

// quiet is a failure of a moment ago, given again without asking.
type quiet struct{ error }

func (q quiet) Unwrap() error { return q.error }

// passing says whether a failure may be over at the next delivery.
func passing(class errclass.Class) bool {
	return class == errclass.Transient || class == errclass.UnknownOutcome || class == errclass.Conflict
}

// failed decides between another delivery and taking down that there is no answer.
func (h *Handler) failed(ctx context.Context, m *matter, attempt uint64, cause error) error {
	class := errclass.Of(cause)
	var known quiet
	repeated := errors.As(cause, &known)
	if !repeated {
		h.Metrics.failed(class)
	}
	switch {
	case class == errclass.Bug, ctx.Err() != nil:
		return cause
	// Somebody else's answer was faster: it is read at the next delivery, however often that takes.
	case class == errclass.Conflict, passing(class) && !repeated && attempt < patientAttempts:
		return cause
	}
	if !repeated {
		h.leaveAlone(ctx, m, cause)
	}
	h.Metrics.answered(resultUnanswered)
	reason := "ConnectWise could not be asked: " + told(cause)
	// What was answered earlier, if only that there is none, says more than that today nobody knows.
	if m.stored.GetState() != companyv1.LinkState_LINK_STATE_UNSPECIFIED || m.stored.GetReason() == reason {
		return nil
	}
	_, err := h.Links.Put(ctx, m.key, &companyv1.Link{
		SchemaVersion: 1, Tenant: m.settings.GetId(), Customer: m.customer, Reason: reason, MissingRight: missingRight(cause),
	}, m.revision)
	return err
}

// missingRight is what the API member's role lacks; empty when that is not the cause.
func missingRight(cause error) string {
	if answer, ok := errors.AsType[*connectwise.APIError](cause); ok {
		return answer.Right
	}
	return ""
}

// told is a failure in words, with what a person has to do about credentials or rights, as the ticketer says it.
func told(cause error) string {
	text := cause.Error()
	if errclass.Of(cause) != errclass.AuthTenant {
		return text
	}
	text = strings.TrimRight(text, ". ")
	answer, answered := errors.AsType[*connectwise.APIError](cause)
	switch {
	case answered && answer.Right != "":
		return fmt.Sprintf("%s. Give the role of the API member the right %q in ConnectWise", text, answer.Right)
	case answered && answer.Status == http.StatusNotFound:
		return text + ", which is how ConnectWise answers wrong keys and a wrong company. " + checkKeys
	default:
		return text + ". " + checkKeys
	}
}

const checkKeys = "Check the keys, the client id, the company and the API member's role"

func (h *Handler) leaveAlone(ctx context.Context, m *matter, cause error) {
	server, err := h.Directory.Server(m.settings)
	// Settings that give no client cause no requests either; what is wrong with them is said each time.
	if err != nil || server.LeaveAlone(cause) {
		h.Logger.ErrorContext(ctx, "ConnectWise cannot be asked for companies, tickets of customers without a link wait",
			"tenant", m.settings.GetId(), "customer", m.customer.GetId(), "class", errclass.Of(cause).String(), "err", cause)
	}
}

func (h *Handler) recovered(ctx context.Context, server *directory.Server, settings *tenantv1.Settings) {
	if server.Answered() {
		h.Logger.InfoContext(ctx, "ConnectWise answers again", "tenant", settings.GetId())
	}
}
