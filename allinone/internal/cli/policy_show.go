package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/allinone/internal/report"
	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/platform/tenant"
	"github.com/covewise/covewise/platform/tenant/record"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

// policyShow is the command with its flags.
type policyShow struct {
	file      policyFile
	access    access
	effective bool
	version   string
	at        string
	device    string
	described evaluator.Device
	class     string
	tags      []string
}

func newPolicyShow(around Surroundings) *cobra.Command {
	s := &policyShow{file: policyFile{around: around}, access: access{around: around}}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show a policy, or what is in force for a device and where each value comes from",
		Long: `Without --effective it shows what the tenant sets. With --effective it shows every value that is in force for a
device at a time, with its origin: system, tenant, customer or device, and the name of the override.

The policy is that of FILE or, without -f, the one in use. --device is the id, name or alias of a known device; without
--data and --nats it is only a name, and --class and the others say what else the device is.`,
		Example: `  covewise policy show --data /var/lib/covewise --tenant harbor
  covewise policy show --effective --device SRV-01 --data /var/lib/covewise
  covewise policy show --effective --device SRV-01 --data /var/lib/covewise -f tenants.yaml
  covewise policy show --effective --device SRV-01 --class server --customer "Bluefin Dental Group" -f tenants.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	s.file.flag(cmd, " whose policy is shown, instead of the one in use")
	s.access.flags(cmd)
	s.access.outputFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&s.effective, "effective", false, "show what is in force for --device")
	flags.StringVar(&s.version, "version", "", "show an earlier `VERSION` of the policy, as events name it")
	flags.StringVar(&s.at, "at", "", "`TIME` of windows and snoozes, such as 2026-11-22T02:30:00Z; default now")
	flags.StringVar(&s.device, "device", "", "`DEVICE` by id, name, computer name or alias")
	flags.StringVar(&s.class, "class", "", "server, workstation, documents or m365")
	flags.StringVar(&s.described.CustomerName, "customer", "", "`NAME` of the device's customer")
	flags.StringVar(&s.described.CustomerID, "customer-id", "", "`ID` of the device's customer")
	flags.StringVar(&s.described.Site, "site", "", "`NAME` of the device's site")
	flags.StringVar(&s.described.Profile, "profile", "", "`NAME` of the device's backup profile")
	flags.StringSliceVar(&s.tags, "tag", nil, "`TAG` of the device")
	return cmd
}

func (s *policyShow) run(ctx context.Context, out io.Writer) error {
	format, err := s.access.format()
	if err != nil {
		return err
	}
	at, err := parseAt(s.at)
	switch {
	case err != nil:
		return err
	case s.effective && s.device == "":
		return errors.New("--device is missing; name a device, or leave --effective out")
	case s.version != "" && s.file.path != "":
		return errors.New("--version and -f exclude each other; versions are those that were in use")
	}
	offline := s.file.path != "" && s.access.data == "" && s.access.nats == ""
	if offline {
		doc, err := s.file.told(s.access.tenant)
		if err != nil {
			return err
		}
		about, err := s.describe()
		if err != nil {
			return err
		}
		return s.print(out, format, doc.Settings().GetPolicy(), about, at)
	}
	return s.access.withTenant(ctx, func(site *site, settings *tenantv1.Settings) error {
		policy, err := s.policy(ctx, site, settings)
		if err != nil {
			return err
		}
		var about evaluator.Device
		if s.effective {
			known, err := evaluator.KnownDevices(ctx, site.Bus, settings)
			if err != nil {
				return failed(err)
			}
			if about, err = find(known, s.device); err != nil {
				return err
			}
		}
		return s.print(out, format, policy, about, at)
	})
}

// policy returns the policy in use, an earlier version of it, or the file's.
func (s *policyShow) policy(ctx context.Context, site *site, settings *tenantv1.Settings) (*tenantv1.Policy, error) {
	switch {
	case s.file.path != "":
		doc, err := s.file.told(settings.GetId())
		return doc.Settings().GetPolicy(), err
	case s.version != "":
		change, err := record.PolicyVersion(ctx, site.Bus, settings.GetId(), s.version)
		if errclass.Of(err) == errclass.NotFound && err != nil {
			return nil, fmt.Errorf("--version: %w; events name the versions that were in use", err)
		}
		return change.GetPolicy(), failed(err)
	default:
		return settings.GetPolicy(), nil
	}
}

// describe makes a device of the flags.
func (s *policyShow) describe() (evaluator.Device, error) {
	about := s.described
	about.Name, about.DeviceID, about.Tags = s.device, s.device, s.tags
	if !s.effective {
		return about, nil
	}
	if s.class == "" {
		return about, errors.New("--class is missing; say whether the device is a server, workstation, documents or m365, or name --data")
	}
	class, err := evaluator.ParseClass(s.class)
	if err != nil {
		return about, fmt.Errorf("--class: %w", err)
	}
	about.Class = class
	return about, nil
}

// find returns the one device of that id, name, computer name or alias.
func find(known []evaluator.Device, name string) (evaluator.Device, error) {
	var found []evaluator.Device
	for _, d := range known {
		if d.DeviceID == name {
			return d, nil
		}
		if strings.EqualFold(d.Name, name) || strings.EqualFold(d.ComputerName, name) || strings.EqualFold(d.Alias, name) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return evaluator.Device{}, fmt.Errorf("--device %q is none of the %d known devices; check its name or give its id", name, len(known))
	case 1:
		return found[0], nil
	default:
		var ids []string
		for _, d := range found {
			ids = append(ids, d.DeviceID)
		}
		return evaluator.Device{}, fmt.Errorf("--device %q is the name of several devices; give one of the ids %s", name, strings.Join(ids, ", "))
	}
}

func (s *policyShow) print(out io.Writer, format report.Format, policy *tenantv1.Policy, about evaluator.Device, at time.Time) error {
	if !s.effective {
		return failed(stated(policy).Write(out, format))
	}
	in, err := evaluator.EffectivePolicy(policy, about, at)
	if err != nil {
		return failed(err)
	}
	if format == report.Text {
		fmt.Fprintf(out, "device    %s (%s), customer %s %s\n", about.Name, in.Class, about.CustomerID, about.CustomerName)
		fmt.Fprintf(out, "policy    %s\n", in.Version)
		fmt.Fprintf(out, "judged    %s\n", judged(in))
		if in.Expected > 0 {
			fmt.Fprintf(out, "expected  %d kinds of errors\n", in.Expected)
		}
		if len(in.Custom) > 0 {
			fmt.Fprintf(out, "custom    %s\n", strings.Join(in.Custom, ", "))
		}
		fmt.Fprintln(out)
	}
	return failed(effective(in).Write(out, format))
}

// judged says in words whether a device is judged and its news are told.
func judged(in evaluator.Effective) string {
	switch {
	case in.Excluded != "":
		return "no: excluded, " + in.Excluded
	case in.Class == "":
		return "no: of a class that is not judged"
	case in.Muted != "":
		return "yes, but no news are told until " + in.Until.UTC().Format(time.RFC3339) + ": " + in.Muted
	default:
		return "yes"
	}
}

var originColumns = []report.Column{
	{Key: "key", Title: "KEY"}, {Key: "value", Title: "VALUE"}, {Key: "level", Title: "FROM"}, {Key: "rule", Title: "RULE"},
}

func effective(in evaluator.Effective) report.Table {
	t := report.Table{Columns: originColumns}
	for _, v := range in.Values {
		t.Rows = append(t.Rows, []any{v.Key, v.Value, v.Level, v.Rule})
	}
	return t
}

// stated is what a policy says itself: values level by level, and its lists.
func stated(p *tenantv1.Policy) report.Table {
	t := report.Table{Columns: originColumns, Empty: "The policy sets nothing; the system's values are in force."}
	add := func(level, rule string, values map[string]string) {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			t.Rows = append(t.Rows, []any{key, values[key], level, rule})
		}
	}
	add("tenant", "", p.GetTenant())
	for _, o := range p.GetCustomers() {
		add("customer", o.GetName(), o.GetValues())
	}
	for _, o := range p.GetDevices() {
		add("device", o.GetName(), o.GetValues())
	}
	list := func(key, rule, value string) { t.Rows = append(t.Rows, []any{key, value, "tenant", rule}) }
	for _, e := range p.GetExclude() {
		list("exclude", e.GetName(), e.GetReason())
	}
	for _, w := range p.GetWindows() {
		list("windows", w.GetName(), fmt.Sprintf("%s in %s for %s: %s", w.GetCron(), w.GetZone(), w.GetDuration().AsDuration(), w.GetReason()))
	}
	for _, z := range p.GetSnoozes() {
		list("snoozes", z.GetName(), fmt.Sprintf("until %s by %s: %s", z.GetUntil().AsTime().Format(time.RFC3339), z.GetAuthor(), z.GetReason()))
	}
	for _, e := range p.GetExpectedErrors() {
		list("expectedErrors", e.GetName(), fmt.Sprintf("until %s: %s", e.GetUntil().AsTime().Format(time.RFC3339), e.GetReason()))
	}
	for _, c := range p.GetCustomConditions() {
		list("customConditions", c.GetName(), c.GetWhen())
	}
	return t
}

// devices returns the devices that are known of a document's tenant.
func (a *access) devices(ctx context.Context, doc tenant.Document) (known []evaluator.Device, err error) {
	err = a.with(ctx, func(s *site) error {
		known, err = evaluator.KnownDevices(ctx, s.Bus, doc.Settings())
		return failed(err)
	})
	return known, err
}
