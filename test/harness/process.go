package harness

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Process is a program that a test started. Its output goes to a file and, when the test fails, to the test's log.
type Process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when the process is gone
	err   error         // of its end; read it after ended
}

// StartProcess starts a program with an environment of its own. It is killed when the test ends at the latest.
func StartProcess(t testing.TB, name, program string, args, env []string) *Process {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	require.NoError(t, err)
	p := &Process{t: t, name: name, log: file.Name(), ended: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	p.cmd.Env = env
	p.cmd.Dir = filepath.Dir(file.Name())
	p.cmd.Stdout, p.cmd.Stderr = file, file
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
		_ = file.Close() // the process wrote it, not we
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, tail(p.Output()))
		}
	})
	return p
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is what the process has written so far, standard output and error together.
func (p *Process) Output() []byte {
	p.t.Helper()
	out, err := os.ReadFile(p.log)
	require.NoError(p.t, err)
	return out
}

// Ended reports whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Kill ends the process by SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// Exit waits until the process is gone and returns its exit code. It fails the test when the process is still there
// after the limit.
func (p *Process) Exit(limit time.Duration) int {
	p.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		if p.Ended() {
			break
		}
		p.t.Fatalf("%s (pid %d) still runs after %s\n%s", p.name, p.PID(), limit, tail(p.Output()))
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// tail returns the last lines of a log.
func tail(out []byte) []byte {
	const most = 30_000
	if len(out) <= most {
		return out
	}
	out = out[len(out)-most:]
	if i := bytes.IndexByte(out, '\n'); i >= 0 {
		out = out[i+1:]
	}
	return out
}
