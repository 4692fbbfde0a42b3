package harness

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus/bustest"
)

// module is the root of all module paths.
const module = "github.com/covewise/covewise/"

// processes runs the services as processes against a nats-server process.
type processes struct {
	t       *testing.T
	bin     string
	url     string // of the nats-server
	running map[Service]*Process
}

// stopLimit is how long a service may take to stop.
const stopLimit = 15 * time.Second

func newProcesses(t *testing.T) *processes {
	t.Helper()
	packages := []string{"github.com/nats-io/nats-server/v2", module + "platform/cmd/provision"}
	for _, s := range Services() {
		packages = append(packages, module+"services/"+string(s)+"/cmd/"+string(s))
	}
	p := &processes{t: t, bin: Build(t, packages...), running: map[Service]*Process{}}
	p.url = p.natsServer()
	provision := StartProcess(t, "provision", filepath.Join(p.bin, "provision"), nil, p.environment(
		"PROVISION_PARTITIONS="+strconv.Itoa(bustest.Partitions), "PROVISION_REPLICAS=1"))
	require.Zero(t, provision.Exit(waitLimit), "provision failed: %s", provision.Output())
	return p
}

// natsServer starts the server on a port that it chooses and returns its address.
func (p *processes) natsServer() string {
	p.t.Helper()
	dir := p.t.TempDir()
	server := StartProcess(p.t, "nats-server", filepath.Join(p.bin, "nats-server"), []string{
		"--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", dir, "--jetstream", "--store_dir", filepath.Join(dir, "jetstream"),
	}, p.environment())
	name := filepath.Join(dir, "nats-server_"+strconv.Itoa(server.PID())+".ports")
	var ports struct {
		NATS []string `json:"nats"`
	}
	require.Eventually(p.t, func() bool {
		raw, err := os.ReadFile(name)
		return err == nil && json.Unmarshal(raw, &ports) == nil && len(ports.NATS) > 0
	}, waitLimit, lookAgain, "the nats-server does not say where it listens")
	return ports.NATS[0]
}

func (p *processes) environment(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NATS_URL=" + p.url, "LOG_FORMAT=text",
	}, more...)
}

func (p *processes) connect() *nats.Conn {
	p.t.Helper()
	nc, err := nats.Connect(p.url, nats.MaxReconnects(-1))
	require.NoError(p.t, err)
	p.t.Cleanup(nc.Close)
	return nc
}

var listening = regexp.MustCompile(`msg=listening .*address=(\S+)`)

// consoleURL is where the console that runs now says that it listens; empty until it does.
func (p *processes) consoleURL() string {
	console := p.running[Console]
	if console == nil {
		return ""
	}
	said := listening.FindSubmatch(console.Output())
	if said == nil {
		return ""
	}
	return "http://" + string(said[1])
}

func (p *processes) start(s Service) {
	p.t.Helper()
	var env []string
	switch s {
	case Poller:
		env = []string{"POLLER_ID=harness", "POLLER_ERRORS_BUDGET=" + errorsBudget.String(), "POLLER_REQUESTS_PER_SECOND=+Inf"}
	case Ticketer:
		env = []string{"TICKETER_SEARCH_PATIENCE=" + Patience.String()}
	case Console:
		env = []string{"LISTEN=127.0.0.1:0"}
	case Evaluator, CompanySync:
	}
	p.running[s] = StartProcess(p.t, string(s), filepath.Join(p.bin, string(s)), nil, p.environment(env...))
}

func (p *processes) kill(s Service) {
	p.t.Helper()
	require.False(p.t, p.running[s].Ended(), "%s ended by itself", s)
	p.running[s].Kill()
	delete(p.running, s)
}

func (p *processes) stop() {
	for _, s := range Services() {
		process := p.running[s]
		if process == nil {
			continue
		}
		if process.Ended() {
			p.t.Errorf("%s ended by itself with exit code %d\n%s", s, process.Exit(0), tail(process.Output()))
			continue
		}
		process.Signal(syscall.SIGTERM)
		if code := process.Exit(stopLimit); code != 0 {
			p.t.Errorf("%s was told to stop and ended with exit code %d\n%s", s, code, tail(process.Output()))
		}
	}
}
