package process

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type settings struct {
	Lease time.Duration `default:"1m" desc:"how long a dead poller's tenants wait"`
}

func TestBadSurroundingsAreRefusedBeforeAnythingStarts(t *testing.T) {
	cases := []struct {
		says string
		env  map[string]string
		args []string
		code int
		want string
	}{
		{"help lists both parts of the environment", nil, []string{"--help"}, exitOK, "POLLER_LEASE"},
		{"an argument", nil, []string{"--nats", "x"}, exitUsage, `unexpected argument "--nats"; it is configured by the environment`},
		{"a misspelt variable", map[string]string{"POLLER_LEESE": "1m"}, nil, exitUsage, "POLLER_LEESE"},
		{"a bad duration", map[string]string{"POLLER_LEASE": "soon"}, nil, exitUsage, "POLLER_LEASE"},
		{"a bad level", map[string]string{"LOG_LEVEL": "loud"}, nil, exitUsage, "LOG_LEVEL"},
		{"a bad format", map[string]string{"LOG_FORMAT": "xml"}, nil, exitUsage, "LOG_FORMAT"},
		{"no server", map[string]string{"NATS_URL": "nats://127.0.0.1:1"}, nil, exitFailed, "connect to NATS at NATS_URL"},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var stderr bytes.Buffer
			code := start("poller", &settings{}, func(context.Context, Process) error { return nil }, c.args, &stderr)
			require.Equal(t, c.code, code, stderr.String())
			require.Contains(t, stderr.String(), c.want)
		})
	}
}
