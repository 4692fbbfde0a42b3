package bus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
)

func TestEveryAnswerOfTheServerHasItsClass(t *testing.T) {
	t.Parallel()
	api := func(code int, number jetstream.ErrorCode) error {
		return fmt.Errorf("wrapped: %w", &jetstream.APIError{Code: code, ErrorCode: number})
	}
	for says, c := range map[string]struct {
		err  error
		want errclass.Class
	}{
		"a revision that is old, on one server":    {api(400, 10071), errclass.Conflict},
		"a revision that is old, replicated":       {api(400, 10164), errclass.Conflict},
		"a key that exists":                        {jetstream.ErrKeyExists, errclass.Conflict},
		"a revision mismatch of the client":        {jetstream.ErrKeyRevisionMismatch, errclass.Conflict},
		"a write of the same id that is under way": {api(409, 10158), errclass.Transient},
		"a full store":                             {api(400, 10002), errclass.Transient},
		"a request time-out":                       {api(408, 0), errclass.Transient},
		"a server without its disk":                {api(503, 10008), errclass.Transient},
		"a stream that is not there":               {api(404, 10059), errclass.Rejected},
		"a message that is too large":              {nats.ErrMaxPayload, errclass.Rejected},
		"a lost connection":                        {nats.ErrConnectionClosed, errclass.Transient},
		"anything else":                            {errors.New("?"), errclass.Transient},
	} {
		require.Equal(t, c.want, errclass.Of(classify(c.err)), says)
	}
	require.NoError(t, classify(nil))
}
