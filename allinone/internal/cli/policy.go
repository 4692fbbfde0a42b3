package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/platform/clock"
	"github.com/covewise/covewise/platform/tenant"
	evaluator "github.com/covewise/covewise/services/evaluator/app"
)

func newPolicy(around Surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check, try out and explain policies",
		Long: `A tenant's policy says when a device is in trouble. docs/policy.md tells its keys and how they inherit. These
commands check a policy before it is used, try it out on traces, and tell what is in force for a device and why.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyLint(around), newPolicyTest(around), newPolicyShow(around))
	return cmd
}

// policyFile is a flag for a file of tenant documents.
type policyFile struct {
	around Surroundings
	path   string
}

func (f *policyFile) flag(cmd *cobra.Command, required string) {
	cmd.Flags().StringVarP(&f.path, "file", "f", "", "`FILE` with the tenants' documents"+required)
}

// documents reads the documents of all tenants, or of one. Their secrets may be missing.
func (f *policyFile) documents(id string) ([]tenant.Document, error) {
	if f.path == "" {
		return nil, errors.New("-f is missing; name the file with the tenants' documents")
	}
	docs, err := tenant.Load(f.path, tenant.Options{LookupEnv: f.around.LookupEnv, WithoutSecrets: true})
	if err != nil || id == "" {
		return docs, err
	}
	var known []string
	for _, doc := range docs {
		if doc.ID == id {
			return []tenant.Document{doc}, nil
		}
		known = append(known, doc.ID)
	}
	return nil, fmt.Errorf("--tenant %s is not in %s; choose one of %s", id, f.path, strings.Join(known, ", "))
}

// document reads one tenant's document; without an id there must be one only.
func (f *policyFile) document(id string) (tenant.Document, error) {
	docs, err := f.documents(id)
	switch {
	case err != nil:
		return tenant.Document{}, err
	case len(docs) > 1:
		return tenant.Document{}, fmt.Errorf("--tenant is missing; %s holds %d tenants, so name one", f.path, len(docs))
	}
	return docs[0], nil
}

// told reads one tenant's document and tells what in it is probably not meant.
func (f *policyFile) told(id string) (tenant.Document, error) {
	doc, err := f.document(id)
	if err != nil {
		return tenant.Document{}, err
	}
	for _, w := range doc.Warnings() {
		complain(f.around.Stderr, "covewise: "+f.warning(w.Line, w.Key, w.Text))
	}
	return doc, nil
}

// warning tells of something in the file that is allowed and probably not meant.
func (f *policyFile) warning(line int, key, text string) string {
	if line == 0 { // it is about a key that is not there
		return fmt.Sprintf("%s: warning: %s: %s", f.path, key, text)
	}
	return fmt.Sprintf("%s:%d: warning: %s: %s", f.path, line, key, text)
}

func newPolicyLint(around Surroundings) *cobra.Command {
	file := &policyFile{around: around}
	a := &access{around: around}
	cmd := &cobra.Command{
		Use:   "lint -f FILE",
		Short: "Find what policies say in vain",
		Long: `Reads the documents in FILE as covewise up does, but without their secrets, and finds what their policies say in
vain or will surprise with: rules that are always overridden, windows and conditions that nothing ends, snoozes that
have ended, letters that look like others. What covewise up warns of in the rest of a document comes first. With --data or --nats also rules that fit no known device. It ends with
  0  nothing but warnings was found
  1  an error was found
  2  the command line or a document is wrong`,
		Example: `  covewise policy lint -f tenants.yaml
  covewise policy lint -f tenants.yaml --data /var/lib/covewise`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			docs, err := file.documents(a.tenant)
			if err != nil {
				return err
			}
			now := clock.System().Now()
			wrong := false
			for _, doc := range docs {
				var known []evaluator.Device
				if a.data != "" || a.nats != "" {
					if known, err = a.devices(cmd.Context(), doc); err != nil {
						return err
					}
				}
				for _, w := range doc.Warnings() {
					if _, err := fmt.Fprintln(cmd.OutOrStdout(), file.warning(w.Line, w.Key, w.Text)); err != nil {
						return failed(err)
					}
				}
				for _, f := range evaluator.LintPolicy(doc, now, known) {
					wrong = wrong || f.Error
					kind := map[bool]string{true: "error", false: "warning"}[f.Error]
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s:%d: %s: %s: %s\n", file.path, f.Line, kind, f.Key, f.Text); err != nil {
						return failed(err)
					}
				}
			}
			if wrong {
				return &exitError{code: ExitFailed}
			}
			return nil
		},
	}
	file.flag(cmd, " (required)")
	a.flags(cmd)
	return cmd
}

func newPolicyTest(around Surroundings) *cobra.Command {
	file := &policyFile{around: around}
	var id string
	verbose := false
	cmd := &cobra.Command{
		Use:   "test -f FILE TRACE...",
		Short: "Play traces under a policy and compare what comes with what they expect",
		Long: `A TRACE is a YAML file with lives of devices in a few words and the incidents that a policy is to make of them;
docs/policy.md tells how it is written. Each is played, sweep by sweep, as the evaluator would judge it. It ends with
  0  everything came as expected
  1  something did not
  2  the command line, a document or a trace is wrong`,
		Example: `  covewise policy test -f tenants.yaml traces/*.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no trace is named; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, traces []string) error {
			doc, err := file.told(id)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			policy := doc.Settings().GetPolicy()
			wrong, all := 0, 0
			for _, path := range traces {
				text, err := os.ReadFile(path)
				if err != nil {
					return fmt.Errorf("%w; name files with traces", err)
				}
				results, err := evaluator.TestPolicy(policy, path, text)
				if err != nil {
					return err
				}
				for _, r := range results {
					all++
					if len(r.Wrong) > 0 {
						wrong++
						fmt.Fprintf(out, "FAIL  %s: %s\n", path, r.Name)
					} else if verbose {
						fmt.Fprintf(out, "ok    %s: %s\n", path, r.Name)
					}
					for _, difference := range r.Wrong {
						fmt.Fprintf(out, "      %s\n", difference)
					}
					if verbose || len(r.Wrong) > 0 {
						for _, incident := range r.Got {
							fmt.Fprintf(out, "      came: %s\n", incident)
						}
					}
				}
			}
			if _, err := fmt.Fprintf(out, "%d of %d traces came as expected under policy %s\n", all-wrong, all, policy.GetVersion()); err != nil {
				return failed(err)
			}
			if wrong > 0 {
				return &exitError{code: ExitFailed}
			}
			return nil
		},
	}
	file.flag(cmd, " (required)")
	cmd.Flags().StringVar(&id, "tenant", "", "`ID` of the tenant; needed when there are several")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show every trace and what came of it")
	return cmd
}

// parseAt reads a time for --at; empty is now.
func parseAt(text string) (time.Time, error) {
	if text == "" {
		return clock.System().Now(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--at %q is not a time; write for example 2026-11-22T02:30:00Z", text)
	}
	return at, nil
}
