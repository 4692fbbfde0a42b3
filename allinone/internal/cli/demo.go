package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/covewise/covewise/allinone/internal/demo"
)

const mostSpeed = 7200

func newDemo(around Surroundings) *cobra.Command {
	var opts demo.Options
	var plain bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See Covewise work, against fake servers",
		Long: `Runs the whole of Covewise against a fake Cove and a fake ConnectWise on this machine, with a fleet of about 60
devices at 12 customers, in accelerated time: devices fail, get worse, fall silent and recover, and now and then a
server misbehaves. It shows what happens as it happens and ends, with Ctrl-C or after --for, with a summary.

What it leaves in DIR is continued by the next demo.`,
		Example: `  covewise demo
  covewise demo --for 2m --plain
  covewise demo --fresh --seed 7 --listen 127.0.0.1:9090`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case opts.For < 0:
				return fmt.Errorf("--for %s is negative; write for example 2m, or 0 for no end", opts.For)
			case !(opts.Speed >= 1 && opts.Speed <= mostSpeed):
				return fmt.Errorf("--speed %g is not between 1 and %d; %d lets a day pass in two minutes", opts.Speed, mostSpeed, demo.DefaultSpeed)
			case opts.Data == "":
				return errors.New("--data is empty; name a directory")
			}
			if err := checkListen(opts.Listen); err != nil {
				return err
			}
			opts.Out = cmd.OutOrStdout()
			if !plain {
				opts.Terminal = terminal(opts.Out, around.LookupEnv)
			}
			return failed(demo.Run(cmd.Context(), opts))
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&opts.For, "for", 0, "end after this `TIME`, such as 2m; 0: with Ctrl-C")
	flags.StringVar(&opts.Listen, "listen", defaultListen, "`ADDRESS` of the page")
	flags.StringVar(&opts.Data, "data", "data/demo", "`DIR` for what the next demo goes on from")
	flags.Float64Var(&opts.Speed, "speed", demo.DefaultSpeed, "how many `TIMES` faster than real time")
	flags.BoolVar(&plain, "plain", false, "lines instead of a table")
	flags.Uint64Var(&opts.Seed, "seed", 1, "`NUMBER` of the story, for a fresh demo")
	flags.BoolVar(&opts.Fresh, "fresh", false, "forget the demo before and start over")
	return cmd
}

// terminal returns the terminal behind w where it can show a table, or nil.
func terminal(w io.Writer, lookupEnv func(string) (string, bool)) *demo.Terminal {
	file, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	if kind, set := lookupEnv("TERM"); !set || kind == "" || kind == "dumb" {
		return nil
	}
	noColour, _ := lookupEnv("NO_COLOR")
	return &demo.Terminal{
		Size:   func() (int, int, error) { return term.GetSize(int(file.Fd())) },
		Colour: noColour == "",
	}
}
