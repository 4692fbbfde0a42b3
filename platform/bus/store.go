package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/platform/errclass"
)

// Store is a bucket of one message type T, which must be a pointer to a generated message.
type Store[T proto.Message] struct {
	kv   jetstream.KeyValue
	name Bucket
}

// OpenStore looks a provisioned bucket up.
func OpenStore[T proto.Message](ctx context.Context, b *Bus, bucket Bucket) (*Store[T], error) {
	kv, err := b.js.KeyValue(ctx, string(bucket))
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, classify(err))
	}
	return &Store[T]{kv: kv, name: bucket}, nil
}

// Get returns a key's value and revision; a nil value and revision 0 when there is none.
func (s *Store[T]) Get(ctx context.Context, key string) (T, uint64, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	entry, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return none, 0, nil
	}
	if err != nil {
		return none, 0, fmt.Errorf("get %s %s: %w", s.name, key, classify(err))
	}
	value, err := s.decode(entry)
	return value, entry.Revision(), err
}

// Put writes a value if the key is still at the given revision (0: absent) and returns the new revision.
// Otherwise the error is of class Conflict.
func (s *Store[T]) Put(ctx context.Context, key string, value T, revision uint64) (uint64, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(value)
	if err != nil {
		return 0, errclass.New(errclass.Bug, fmt.Sprintf("encode %s %s", s.name, key), err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var next uint64
	if revision == 0 {
		next, err = s.kv.Create(ctx, key, data)
	} else {
		next, err = s.kv.Update(ctx, key, data, revision)
	}
	if err != nil {
		return 0, fmt.Errorf("put %s %s: %w", s.name, key, classify(err))
	}
	return next, nil
}

// ErrKeep is what a decision returns to leave a key as it is.
var ErrKeep = errors.New("keep the value as it is")

// casAttempts bounds how often Update decides again after losing a race. With one writer role for each
// bucket a loss is rare and a second one in a row rarer.
const casAttempts = 5

// Update changes a key by compare-and-set: it reads, lets decide make the new value from the current one
// (nil when absent), writes, and begins anew when somebody was faster. decide must be pure. If it returns
// ErrKeep nothing is written. The value that stands afterwards is returned.
func (s *Store[T]) Update(ctx context.Context, key string, decide func(current T) (T, error)) (T, error) {
	var none T
	for range casAttempts {
		current, revision, err := s.Get(ctx, key)
		if err != nil {
			return none, err
		}
		next, err := decide(current)
		if errors.Is(err, ErrKeep) {
			return current, nil
		}
		if err != nil {
			return none, err
		}
		_, err = s.Put(ctx, key, next, revision)
		if err == nil {
			return next, nil
		}
		if errclass.Of(err) != errclass.Conflict {
			return none, err
		}
	}
	return none, errclass.Newf(errclass.Conflict, fmt.Sprintf("update %s %s", s.name, key), "lost %d races in a row", casAttempts)
}

// Delete removes a key if it is still at the given revision; otherwise the error is of class Conflict.
func (s *Store[T]) Delete(ctx context.Context, key string, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := s.kv.Delete(ctx, key, jetstream.LastRevision(revision))
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", s.name, key, classify(err))
	}
	return nil
}

// Entry is a key with its value and revision. A deleted key has a nil Value.
type Entry[T proto.Message] struct {
	Key      string
	Value    T
	Revision uint64
}

// Each calls f for every present key that matches filter (">" for all, "<tenant>.>" for a tenant's), with
// the values as they stand when it begins. It holds one value at a time.
func (s *Store[T]) Each(ctx context.Context, filter string, f func(Entry[T]) error) error {
	// Without a deadline: nats.go bounds the wait for the watch's beginning by its own 5 s only where the context has none, and
	// a request that went down with a broker is never answered.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	watcher, err := s.kv.Watch(watching, filter, jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("list %s %s: %w", s.name, filter, classify(err))
	}
	defer func() { _ = watcher.Stop() }() // stopping a watcher that is no longer connected fails, and that is all
	silence := time.NewTimer(answerTimeout)
	defer silence.Stop()
	for {
		silence.Reset(answerTimeout)
		select {
		case <-silence.C:
			return errclass.Newf(errclass.Transient, fmt.Sprintf("list %s %s", s.name, filter), "nothing came for %s", answerTimeout)
		case <-ctx.Done():
			return fmt.Errorf("list %s %s: %w", s.name, filter, ctx.Err())
		case raw, open := <-watcher.Updates():
			if !open {
				return errclass.Newf(errclass.Transient, fmt.Sprintf("list %s %s", s.name, filter), "the watch ended early")
			}
			if raw == nil { // everything that stood at the beginning has been sent
				return nil
			}
			value, err := s.decode(raw)
			if err != nil {
				return err
			}
			if err := f(Entry[T]{Key: raw.Key(), Value: value, Revision: raw.Revision()}); err != nil {
				return err
			}
		}
	}
}

func (s *Store[T]) decode(entry jetstream.KeyValueEntry) (T, error) {
	var none T
	value, ok := none.ProtoReflect().New().Interface().(T)
	if !ok {
		return none, errclass.Newf(errclass.Bug, fmt.Sprintf("decode %s %s", s.name, entry.Key()), "%T is no message type", none)
	}
	if err := proto.Unmarshal(entry.Value(), value); err != nil {
		return none, errclass.New(errclass.Bug, fmt.Sprintf("decode %s %s", s.name, entry.Key()), err)
	}
	return value, nil
}
