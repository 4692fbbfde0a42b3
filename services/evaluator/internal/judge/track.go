package judge

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
)

// look is what one sweep says of a condition that is tracked: on its way in, or part of the published picture.
type look struct {
	key
	verdict verdict
	track   *incidentv1.ConditionTrack // carried on by this sweep
	found   *incidentv1.Finding        // of this sweep; nil unless bad
	told    *incidentv1.Finding        // of the published picture; nil while it is on its way in
}

// follow carries the tracks one sweep further, in order of key. A condition that policy does not judge any more is
// left out, and so is one that went before it opened. What has come and gone is counted no further than policy
// asks, so that a device whose trouble lasts is not written in every sweep.
func (e evidence) follow(all []judgement) []look {
	var looks []look
	for _, k := range e.tracked(all) {
		j := e.on(k, all)
		l := look{key: k, verdict: j.verdict, track: trackOf(e.state, k), found: j.finding, told: published(e.state.GetOpen(), k)}
		if l.track == nil { // new, or left by a version that did not track what is on its way out
			l.track = &incidentv1.ConditionTrack{Kind: k.kind, SourceCode: k.source, Name: k.name, Since: timestamppb.New(e.now)}
			if l.told != nil {
				l.track.Since = l.told.GetSince()
			}
		}
		switch {
		case l.verdict == good && l.told == nil:
			continue
		case l.verdict == good:
			l.track = e.better(l.track)
		case l.verdict == bad:
			l.track = e.worse(l.track)
		}
		looks = append(looks, l)
	}
	return looks
}

// tracked returns the keys that are bad, tracked or published, and judged, in order.
func (e evidence) tracked(all []judgement) []key {
	var keys []key
	for _, j := range all {
		if j.verdict == bad {
			keys = append(keys, j.key)
		}
	}
	for _, track := range e.state.GetTracks() {
		keys = append(keys, keyOf(track))
	}
	for _, condition := range e.state.GetOpen().GetConditions() {
		for _, f := range condition.GetFindings() {
			keys = append(keys, keyOfFinding(condition.GetKind(), f))
		}
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return !e.judged(k) })
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys)
}

// on returns the verdict on a key. A data source that is not configured any more is well; when the vendor does not
// say what is configured, nothing is known of any.
func (e evidence) on(k key, all []judgement) judgement {
	if i := slices.IndexFunc(all, func(j judgement) bool { return j.key == k }); i >= 0 {
		return all[i]
	}
	if k.source != DeviceWide && !e.seen.SourcesKnown {
		return judgement{key: k}
	}
	return judgement{key: k, verdict: good}
}

func (e evidence) worse(track *incidentv1.ConditionTrack) *incidentv1.ConditionTrack {
	next := proto.CloneOf(track)
	if next.GetGoodSweeps() > 0 { // it is back: a new run
		next.Since, next.BadSweeps, next.GoodSweeps, next.GoodSince = timestamppb.New(e.now), 0, 0, nil
	}
	next.BadSweeps = min(next.GetBadSweeps()+1, e.openAfter())
	return next
}

func (e evidence) better(track *incidentv1.ConditionTrack) *incidentv1.ConditionTrack {
	next := proto.CloneOf(track)
	if next.GetGoodSweeps() == 0 {
		next.GoodSince = timestamppb.New(e.now)
	}
	next.GoodSweeps = min(next.GetGoodSweeps()+1, e.closeAfter())
	return next
}

// opens reports whether a condition on its way in has held for as long as policy asks.
func (e evidence) opens(l look) bool {
	return l.told == nil && l.verdict == bad && l.track.GetBadSweeps() >= e.openAfter() && e.since(l.track.GetSince()) >= e.rules.OpenFor
}

// closes reports whether a published condition has been gone for as long as policy asks.
func (e evidence) closes(l look) bool {
	return l.told != nil && l.verdict == good && l.track.GetGoodSweeps() >= e.closeAfter() && e.since(l.track.GetGoodSince()) >= e.rules.CloseFor
}

func (e evidence) openAfter() uint32  { return max(e.rules.OpenAfter, 1) }
func (e evidence) closeAfter() uint32 { return max(e.rules.CloseAfter, 1) }

func (e evidence) since(at *timestamppb.Timestamp) time.Duration { return e.now.Sub(at.AsTime()) }

func keyOf(track *incidentv1.ConditionTrack) key {
	return key{kind: track.GetKind(), source: track.GetSourceCode(), name: track.GetName()}
}

func trackOf(state *incidentv1.DeviceState, k key) *incidentv1.ConditionTrack {
	for _, track := range state.GetTracks() {
		if keyOf(track) == k {
			return track
		}
	}
	return nil
}

// holding reports whether a condition held when it was last judged.
func holding(state *incidentv1.DeviceState, k key) bool {
	track := trackOf(state, k)
	return track != nil && track.GetGoodSweeps() == 0
}

func sameTracks(a, b []*incidentv1.ConditionTrack) bool {
	return slices.EqualFunc(a, b, func(x, y *incidentv1.ConditionTrack) bool { return proto.Equal(x, y) })
}
