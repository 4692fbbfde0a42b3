package text

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/covewise/covewise/platform/tenant/wording"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
)

// Writer writes a tenant's texts: in the tenant's own words where it has templates, in the built-in ones elsewhere. It
// may be used by several goroutines.
type Writer struct {
	zone      *time.Location
	public    bool // notes are told to customers
	templates map[wording.Kind]*wording.Template
	wrong     map[wording.Kind]error // templates that could not be read
	warn      func(template string, err error)
	failed    func(template string, err error) // see Listening; may be nil
	warned    *warned
}

// warned are the templates that were warned of.
type warned struct {
	mu    sync.Mutex
	kinds map[wording.Kind]bool
}

// NewWriter makes a writer of a tenant's settings. warn is told once of each template that does not work, which the
// built-in text then stands for; it may be nil.
func NewWriter(settings *tenantv1.Tickets, zone *time.Location, warn func(template string, err error)) *Writer {
	w := &Writer{
		zone: zone, public: settings.GetPublicNotes(), templates: map[wording.Kind]*wording.Template{}, wrong: map[wording.Kind]error{}, warn: warn,
		warned: &warned{kinds: map[wording.Kind]bool{}},
	}
	for _, kind := range wording.Kinds() {
		source := settings.GetTemplates()[string(kind)]
		if source == "" {
			continue
		}
		// Settings are checked before they are stored; an older version may have checked less.
		parsed, err := wording.Parse(kind, source)
		if err != nil {
			w.wrong[kind] = err
			w.broken(kind, err)
			continue
		}
		w.templates[kind] = parsed
	}
	return w
}

// Listening returns a writer of the same texts that also tells failed of each text in which the built-in words stand for a
// template that does not work.
func (w *Writer) Listening(failed func(template string, err error)) *Writer {
	listening := *w
	listening.failed = failed
	return &listening
}

func (w *Writer) broken(kind wording.Kind, err error) {
	w.warned.mu.Lock()
	again := w.warned.kinds[kind]
	w.warned.kinds[kind] = true
	w.warned.mu.Unlock()
	if !again && w.warn != nil {
		w.warn(string(kind), err)
	}
	if w.failed != nil {
		w.failed(string(kind), err)
	}
}

// own returns the text in the tenant's words, and false when there are none or they do not work.
func (w *Writer) own(kind wording.Kind, data func() wording.Data) (string, bool) {
	template := w.templates[kind]
	if template == nil {
		if err := w.wrong[kind]; err != nil {
			w.broken(kind, err)
		}
		return "", false
	}
	out, err := template.Render(data())
	if err != nil {
		w.broken(kind, err)
		return "", false
	}
	if strings.TrimSpace(out) == "" {
		return "", false // a ticket needs a text, and a condition in a template may leave none
	}
	return lines(out), true
}

func (w *Writer) page(e *incidentv1.Event, public bool) *page {
	return &page{zone: w.zone, now: e.GetOccurredAt().AsTime(), public: public}
}

// Summary is the ticket's title: the incident's badge, and what follows it within 100 UTF-16 units.
func (w *Writer) Summary(e *incidentv1.Event) string {
	built := summary(e)
	out, ok := w.own(wording.Summary, func() wording.Data {
		return w.data(e, strings.TrimSpace(strings.TrimPrefix(built, Badge(e.GetIncidentId()))), true)
	})
	if !ok {
		return built
	}
	head := Badge(e.GetIncidentId()) + " "
	return head + clip(oneLine(out), longestSummary-units(head))
}

// Description is the first text of a ticket. The customer may see it.
func (w *Writer) Description(e *incidentv1.Event) string {
	p := w.page(e, true)
	description(p, e)
	return w.finish(wording.Description, e, p, nil)
}

// Analysis is the internal text that goes with the description: where to look and how to find the incident again. It
// has no template.
func (w *Writer) Analysis(e *incidentv1.Event, reference string) string {
	p := w.page(e, false)
	p.console(e)
	p.labelled("Internal address", internalAddress(e))
	p.references(e)
	p.labelled("Reference of the ticket", reference)
	p.labelled("Policy", e.GetPolicyVersion())
	p.rules(e)
	p.notes(e)
	return finish(p.text(), e)
}

// longestReason is how much of a link's reason, in characters, is told.
const longestReason = 600

// AtCatchAll is what the internal text of a ticket begins with that is at the catch-all company, because its customer has
// none of its own. reason is why; it may be empty.
func AtCatchAll(e *incidentv1.Event, reason string) string {
	p := &page{}
	name := oneLine(e.GetCustomer().GetName())
	p.line(fmt.Sprintf("THIS TICKET IS AT THE CATCH-ALL COMPANY: customer %q (Cove %s) has no ConnectWise company of its own.", name, oneLine(e.GetCustomer().GetId())))
	if all := []rune(oneLine(reason)); len(all) > 0 {
		p.labelled("Why", string(all[:min(len(all), longestReason)]))
	}
	p.line(fmt.Sprintf("To give it one: covewise companies link %s <company id>, or CWM:<company id> in the customer's reference in Cove.", oneLine(e.GetCustomer().GetId())))
	return p.text()
}

// Change is the note about a picture that differs from the one that the ticket shows.
func (w *Writer) Change(shown, e *incidentv1.Event) string {
	p := w.page(e, w.public)
	change(p, shown, e)
	return w.finish(wording.Note, e, p, func(d *wording.Data) { d.Changes = changes(shown, e, p.now) })
}

// Resolution is the note that ends an incident whose ticket shows the given picture.
func (w *Writer) Resolution(shown, e *incidentv1.Event) string {
	p := w.page(e, w.public)
	resolution(p, shown, e)
	return w.finish(wording.Resolution, e, p, nil)
}

// RollUp writes a text of the ticket that stands for devices which wait for their own, in the tenant's own words where it
// has a template of that kind: the summary with the incident's badge in front, any other with the marker below. built are
// the built-in words, and issue is what they say in a few. Its notes are internal whatever the settings say.
func (w *Writer) RollUp(kind wording.Kind, e *incidentv1.Event, issue, built string) string {
	out, ok := w.own(kind, func() wording.Data {
		d := w.data(e, built, kind != wording.Note && (w.public || kind != wording.Resolution))
		d.Headline, d.Issue = issue, issue
		return d
	})
	if !ok {
		out = built
	}
	if kind == wording.Summary {
		head := Badge(e.GetIncidentId()) + " "
		return head + clip(oneLine(out), longestSummary-units(head))
	}
	return finish(out, e)
}

// finish ends a text: the tenant's own if there is one, else what the page has.
func (w *Writer) finish(kind wording.Kind, e *incidentv1.Event, p *page, more func(*wording.Data)) string {
	body := p.text()
	out, ok := w.own(kind, func() wording.Data {
		d := w.data(e, body, p.public)
		if more != nil {
			more(&d)
		}
		return d
	})
	if ok {
		body = out
	}
	return finish(body, e)
}

// lines makes a text of several lines harmless, line by line.
func lines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(indent + oneLine(line) + "\n")
	}
	return b.String()
}

func internalAddress(e *incidentv1.Event) string {
	return strings.ReplaceAll(e.GetDevice().GetInternalIp(), ";", ", ")
}
