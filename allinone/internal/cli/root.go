// Package cli is the command line of covewise: commands, flags, their checks, exit codes, and what is said when
// something is wrong. It does none of the work itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/covewise/covewise/platform/tenant"
)

// Exit codes.
const (
	ExitOK         = 0 // done, or told to stop
	ExitFailed     = 1 // the system failed
	ExitUsage      = 2 // the command line or the settings are wrong; nothing was started
	ExitIncomplete = 3 // up --once: not every tenant was swept completely
)

// Surroundings are what the command line has around it.
type Surroundings struct {
	Stdout, Stderr io.Writer
	LookupEnv      func(name string) (value string, set bool)
	Version        string
}

// Execute runs one command line and returns its exit code. The context's end is the wish to stop.
func Execute(ctx context.Context, args []string, around Surroundings) int {
	root := newRoot(around)                   //nolint:contextcheck // cobra hands the context to the command
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	err := root.ExecuteContext(ctx)
	var exit *exitError
	var problems tenant.Problems
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &problems):
		complain(around.Stderr, problems.Error())
		return ExitUsage
	case errors.As(err, &exit):
		if exit.err != nil {
			complain(around.Stderr, "covewise: "+exit.err.Error())
		}
		return exit.code
	default:
		complain(around.Stderr, "covewise: "+usage(err))
		return ExitUsage
	}
}

// complain writes to the terminal; when that fails there is nobody left to tell.
func complain(w io.Writer, text string) { _, _ = fmt.Fprintln(w, text) }

// exitError ends the program with a code other than that for wrong usage.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }

func (e *exitError) Unwrap() error { return e.err }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{ExitFailed, err}
}

// usage makes sure that a complaint about the command line ends with a remedy, on one line where it can.
func usage(err error) string {
	text := strings.TrimSpace(err.Error())
	if strings.Contains(text, "--help") || strings.Contains(text, "; ") {
		return text
	}
	return text + "; see covewise --help"
}

func newRoot(around Surroundings) *cobra.Command {
	root := &cobra.Command{
		Use:   "covewise",
		Short: "Keeps ConnectWise tickets in step with N-able Cove backups",
		Long: `Covewise watches every device that N-able Cove Data Protection backs up and keeps ConnectWise PSA in step:
one ticket while a device is in trouble, notes when the picture changes, closed when it is well again.`,
		Example: `  covewise demo                                          see it work, against fake servers
  covewise up --tenants tenants.yaml --data /var/lib/covewise`,
		Version:       around.Version,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(around.Stdout)
	root.SetErr(around.Stderr)
	root.SetVersionTemplate(versionText(around))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newUp(around), newDemo(around), newVersion(around))
	root.AddCommand(newDLQ(around))
	root.AddCommand(newLedger(around))
	root.AddCommand(newDevices(around), newDoctor(around), newSync(around))
	root.AddCommand(newPolicy(around))
	root.AddCommand(newTickets(around), newTicket(around))
	root.AddCommand(newCompanies(around))
	return root
}

func newVersion(around Surroundings) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  covewise version",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionText(around))
			return failed(err)
		},
	}
}

func versionText(around Surroundings) string {
	return fmt.Sprintf("covewise %s %s %s/%s\n", around.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// noArguments refuses anything that is not a flag.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unexpected argument %q; see %s --help", args[0], cmd.CommandPath())
}
