package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/bus"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// mostLetters is how many dead letters are listed at once.
const mostLetters = 1000

func newDLQ(around Surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at messages that could not be handled, and put them back or discard them",
		Long: `A message that no repetition can mend (a body nobody can read, a fault of ours) is filed as a dead letter,
so that it does not hold up others. Its original stays in its stream.

redrive puts it back to be handled again, after what was wrong is mended; discard takes it from the file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQList(around), newDLQShow(around),
		newDLQAct(around, "redrive", "Put dead letters back to be handled again", "put back to be handled again", (*bus.Bus).Redrive),
		newDLQAct(around, "discard", "Take dead letters from the file", "discarded", (*bus.Bus).Discard))
	return cmd
}

func newDLQList(around Surroundings) *cobra.Command {
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:     "list --data DIR",
		Short:   "List dead letters, oldest first",
		Example: "  covewise dlq list --data /var/lib/covewise\n  covewise dlq list --data /var/lib/covewise --tenant harbor --output csv",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(s *site) error {
				var all []bus.DeadLetter
				for d, err := range s.Bus.DeadLetters(cmd.Context(), a.tenant) {
					switch {
					case err != nil:
						return failed(err)
					case len(all) == mostLetters:
						complain(around.Stderr, fmt.Sprintf("covewise: only the %d oldest are listed", mostLetters))
						return failed(letters(all).Write(cmd.OutOrStdout(), format))
					}
					all = append(all, d)
				}
				if len(all) == 0 {
					if err := a.knowsTenant(cmd.Context(), s); err != nil {
						return err
					}
				}
				return failed(letters(all).Write(cmd.OutOrStdout(), format))
			})
		},
	}
	letterFlags(a, cmd)
	a.outputFlag(cmd)
	return cmd
}

func letters(all []bus.DeadLetter) report.Table {
	t := report.Table{
		Columns: []report.Column{
			{Key: "id", Title: "ID"},
			{Key: "filed_at", Title: "FILED (UTC)"},
			{Key: "service", Title: "SERVICE"},
			{Key: "tenant", Title: "TENANT"},
			{Key: "class", Title: "CLASS"},
			{Key: "subject", Title: "SUBJECT"},
			{Key: "reason", Title: "REASON"},
			{Key: "stream"},
			{Key: "sequence"},
			{Key: "event_id"},
			{Key: "trace"},
		},
		Empty: "no dead letters",
	}
	for _, d := range all {
		t.Rows = append(t.Rows, []any{d.ID, d.At, d.Service, d.Tenant, d.Class, d.Subject, d.Reason, d.Stream, d.Sequence, d.EventID, d.Trace})
	}
	return t
}

func newDLQShow(around Surroundings) *cobra.Command {
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:     "show ID --data DIR",
		Short:   "Show a dead letter with its body",
		Example: "  covewise dlq show 12 --data /var/lib/covewise",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := letterIDs(args)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(s *site) error {
				chosen, err := choose(cmd.Context(), s.Bus, a.tenant, ids)
				if err != nil {
					return err
				}
				return failed(show(cmd.OutOrStdout(), chosen[0]))
			})
		},
	}
	letterFlags(a, cmd)
	return cmd
}

func show(w io.Writer, d bus.DeadLetter) error {
	head := fmt.Sprintf("dead letter %d, filed %s by %s\ntenant    %s\nclass     %s\nreason    %s\noriginal  %s, %s sequence %d, event %s\nconsumer  %s\ntrace     %s\n",
		d.ID, d.At.UTC().Format("2006-01-02 15:04:05 UTC"), d.Service, d.Tenant, d.Class, report.Printable(d.Reason), d.Subject, d.Stream, d.Sequence, d.EventID, d.Consumer, d.Trace)
	_, err := fmt.Fprintf(w, "%s\n%s\n", head, printableLines(bodyText(d)))
	return err
}

// bodyText returns the body in words, or says why it cannot be read.
func bodyText(d bus.DeadLetter) string {
	subject, err := bus.ParseSubject(d.Subject)
	if err != nil {
		return fmt.Sprintf("%d bytes under a subject of another kind", len(d.Data))
	}
	into := bodyOf(subject)
	if into == nil || proto.Unmarshal(d.Data, into) != nil {
		return fmt.Sprintf("%d bytes that are no message of this kind", len(d.Data))
	}
	return protojson.Format(into)
}

// bodyOf returns an empty message of the kind that a subject carries; nil when the subject is of no known kind.
func bodyOf(s bus.Subject) proto.Message {
	switch s.Family {
	case bus.Status:
		switch s.Verb {
		case bus.VerbSnapshot:
			return &statusv1.Snapshot{}
		case bus.VerbSweep:
			return &statusv1.SweepCompleted{}
		case bus.VerbOverdue:
			return &statusv1.SweepOverdue{}
		}
	case bus.Incident:
		switch s.Verb {
		case bus.VerbFailed, bus.VerbChanged, bus.VerbResolved, bus.VerbRedrive:
			return &incidentv1.Event{} // that of a redrive names the incident only
		case bus.VerbJudged:
			return &incidentv1.SweepJudged{}
		case bus.VerbObserved:
			return &ticketv1.Observation{}
		}
	case bus.Company:
		switch s.Verb {
		case bus.VerbWanted:
			return &companyv1.Wanted{}
		case bus.VerbLinked, bus.VerbProposed, bus.VerbRefused:
			return &companyv1.Answered{}
		case bus.VerbOrdered:
			return &companyv1.Ordered{}
		}
	case bus.Ticket:
		return &ticketv1.Event{}
	case bus.Settings:
		switch s.Verb {
		case bus.VerbTenant:
			return &tenantv1.Changed{}
		case bus.VerbPolicy:
			return &tenantv1.PolicyChanged{}
		}
	}
	return nil
}

// newDLQAct makes a command that does one thing to dead letters by id.
func newDLQAct(around Surroundings, verb, short, done string, act func(*bus.Bus, context.Context, bus.DeadLetter) error) *cobra.Command {
	a := &access{around: around}
	all := false
	cmd := &cobra.Command{
		Use:     verb + " ID... --data DIR",
		Short:   short,
		Example: fmt.Sprintf("  covewise dlq %s 12 13 --data /var/lib/covewise\n  covewise dlq %s --all --tenant harbor --data /var/lib/covewise", verb, verb),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name dead letters by id (covewise dlq list shows them), or all of them with --all")
			}
			ids, err := letterIDs(args)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(s *site) error {
				count := 0
				deed := func(d bus.DeadLetter) error {
					if err := act(s.Bus, cmd.Context(), d); err != nil {
						return err
					}
					count++
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d %s: %s\n", d.ID, done, d.Subject)
					return err
				}
				work := func() error { return chosenLetters(cmd.Context(), s.Bus, a.tenant, ids, deed) }
				if all {
					work = func() error { return a.everyLetter(cmd, s, &count, done, deed) }
				}
				err := work()
				if !s.Live && verb == "redrive" && count > 0 {
					complain(around.Stderr, "covewise: no covewise runs there; it is handled at the next start")
				}
				return err
			})
		},
	}
	letterFlags(a, cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters that are there now: of --tenant, or without it of every tenant")
	return cmd
}

// letterFlags declares the flags of commands that are about every tenant's letters unless --tenant names one.
func letterFlags(a *access, cmd *cobra.Command) {
	a.flags(cmd)
	cmd.Flags().Lookup("tenant").Usage = "`ID` of the tenant whose letters are meant; without it those of every tenant"
}

// everyLetter does a thing to all letters that are there now, and says to how many in the end. It does not stop at the
// letters that come while it works, such as those of what fails again.
func (a *access) everyLetter(cmd *cobra.Command, s *site, count *int, done string, deed func(bus.DeadLetter) error) error {
	for d, err := range s.Bus.DeadLetters(cmd.Context(), a.tenant) {
		if err == nil {
			err = deed(d)
		}
		if err != nil {
			return failed(fmt.Errorf("after %s: %w", counted(*count, "dead letter"), err))
		}
	}
	if *count == 0 {
		if err := a.knowsTenant(cmd.Context(), s); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", counted(*count, "dead letter"), done)
	return failed(err)
}

// knowsTenant refuses a --tenant that is not there. One without settings may have letters, so it is asked when there are none.
func (a *access) knowsTenant(ctx context.Context, s *site) error {
	if a.tenant == "" {
		return nil
	}
	_, err := a.settings(ctx, s)
	return err
}

func chosenLetters(ctx context.Context, b *bus.Bus, tenant string, ids []uint64, deed func(bus.DeadLetter) error) error {
	chosen, err := choose(ctx, b, tenant, ids)
	if err != nil {
		return err
	}
	for _, d := range chosen {
		if err := deed(d); err != nil {
			return failed(err)
		}
	}
	return nil
}

// choose reads letters, each once, and refuses those of another tenant before anything is done to one.
func choose(ctx context.Context, b *bus.Bus, tenant string, ids []uint64) ([]bus.DeadLetter, error) {
	var chosen []bus.DeadLetter
	for _, id := range ids {
		if slices.ContainsFunc(chosen, func(d bus.DeadLetter) bool { return d.ID == id }) {
			continue
		}
		d, err := b.DeadLetter(ctx, id)
		switch {
		case err != nil:
			return nil, failed(letterGone(err))
		case tenant != "" && d.Tenant != tenant:
			return nil, fmt.Errorf("dead letter %d is of tenant %s, not of %s; leave --tenant out, or correct it", id, d.Tenant, tenant)
		}
		chosen = append(chosen, d)
	}
	return chosen, nil
}

func letterIDs(args []string) ([]uint64, error) {
	ids := make([]uint64, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = strconv.ParseUint(arg, 10, 64); err != nil || ids[i] == 0 {
			return nil, fmt.Errorf("%q is not the id of a dead letter, a number; covewise dlq list shows them", arg)
		}
	}
	return ids, nil
}

func letterGone(err error) error {
	if errors.Is(err, bus.ErrNoDeadLetter) {
		return fmt.Errorf("%s; covewise dlq list shows what there is", strings.TrimSpace(err.Error()))
	}
	return err
}
