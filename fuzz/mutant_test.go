package fuzz

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutant is a fault: an edit of one place of the engine, and the tests of which one at
// least must fail when it is made, with the build tag invariants.
type mutant struct {
	name     string
	file     string // below the module's root
	from, to string // from occurs once
	pkg, run string
}

// The order in which things happen is what no test of a result shows: each of these moves
// or leaves out one step of a protocol of docs/CORE.md, or one count.
var mutants = []mutant{
	{
		"a minute is published before its halves are opened", "engine/turn.go",
		"		var left foldedWindows //", "		g.epoch.Store(n)\n		var left foldedWindows //",
		"./engine", "TestSettleDuringATurn",
	},
	{
		"the next turn is announced before its minute", "engine/turn.go",
		"		g.epoch.Store(n)\n", "		g.due = window.Start(n + 1)\n		g.wake.Store(g.next())\n		invariants.Yield()\n		g.epoch.Store(n)\n",
		"./engine", "TestNoRefusalDuringATurn",
	},
	{
		"caps go up before the counts", "engine/internal/counter/pair.go",
		"	if tokenCap < c.tokenCap.Load() {\n		c.tokenCap.Store(tokenCap)\n	}\n", "	c.tokenCap.Store(tokenCap)\n",
		"./fuzz", "TestCeilings",
	},
	{
		"an undone attempt ends no lease", "engine/charge.go",
		"	if c.End(e) {\n		invariants.Yield()\n		h.flight.Undo(h.e.slot(e))\n	}\n", "	c.End(e)\n",
		"./fuzz", "TestUndone",
	},
	{
		"a limit beside the pair is not given back", "engine/limits.go",
		"				ms.give(k, at, a)\n", "",
		"./fuzz", "TestUndone",
	},
	{
		"nothing beside the pair is given back where requests are used up", "engine/charge.go",
		"		ms.give(len(ms.list), at, &a)\n	}\n", "	}\n",
		"./fuzz", "TestUndone",
	},
	{
		"freed capacity moves no sequence", "engine/count.go",
		"	b.Move()\n	invariants.Yield()\n	if s.in.indexed {", "	if s.in.indexed {",
		"./fuzz", "TestAtRest|TestRoom|TestEveryInterleaving",
	},
	{
		"a block is looked at before what is given back is counted", "engine/count.go",
		"	if used := h.hot.Of(epoch).CountTokens(epoch, n); used >= 0 {\n		if n < 0 {\n",
		"	s := h.seat.Load()\n	watched := s == nil || s.blocks[epoch&1].Watched()\n	invariants.Yield()\n" +
			"	if used := h.hot.Of(epoch).CountTokens(epoch, n); used >= 0 {\n		if n < 0 && watched {\n",
		"./engine", "TestNoRefusalByTheFirstSearchThatWatches",
	},
	{
		"a refusal stands while another view is published", "engine/group.go",
		"	replaced := g.views.Load()&1 != 0 //", "	replaced := false //",
		"./engine", "TestNoRefusalWhileAViewIsPublished",
	},
	{
		"bounds outlive their minute", "engine/internal/order/block.go",
		"	b.bound.Store(b.index)\n}", "}",
		"./engine", "TestMinuteForgetsItsRanking",
	},
	{
		"a refusal compares no sequences", "engine/choose.go",
		"		if sure && before == order.Moves(blocks[t.first:]) {", "		if sure {",
		"./engine", "TestInterleavedCallers|TestNoRefusalWhileThePlaceMoves",
	},
	{
		"a refusal compares no sequences of other Orders", "engine/choose.go",
		"		if len(v.tiers) < 2 || order.Moves(v.blocks[q.at.Epoch&1]) == c.seq {", "		if c.i < 0 {",
		"./engine", "TestNoRefusalWhileThePlaceMovesBetweenOrders",
	},
	{
		"a deployment is dropped though what was given back was reported", "engine/turn.go",
		"closed = s.tokens.Reported|s.requests.Reported == 0 && c.Shut(", "closed = c.Shut(",
		"./engine", "TestShutKeepsWhatWasReported",
	},
	{
		"removed deployments are forgotten at once", "engine/turn.go",
		"if e < h.removedSince+2 || h.nextDeadline() != 0 || h.inFlight() != 0 || h.owes() || !h.shut() {", "if false {",
		"./fuzz", "TestApply|TestRemoved",
	},
	{
		"a deployment is dropped though something is counted", "engine/turn.go",
		" || h.owes() || !h.shut() {", " || h.owes() {",
		"./engine", "TestRemovedIsForgotten|TestRemovedDaysAreReported",
	},
	{
		"a dropped window stays open", "engine/internal/counter/pair.go",
		"	c.win.Store(none(w)) // before the words, as in Open\n", "",
		"./engine/internal/counter", "TestShut",
	},
	{
		"a window that is not dropped is not opened again", "engine/internal/counter/pair.go",
		"	c.win.Store(w)\n	return false\n", "	return false\n",
		"./engine/internal/counter", "TestShut",
	},
	{
		"a window keeps its name while its half is opened", "engine/internal/counter/pair.go",
		"	c.win.Store(none(w))\n	invariants.Yield()\n	generation", "	generation",
		"./fuzz", "TestRollover",
	},
	{
		"a count of tokens ignores the window", "engine/internal/counter/pair.go",
		"		if c.win.Load() != w {\n			return -1\n		}\n", "",
		"./engine/internal/counter", "TestPair",
	},
	{
		"an attempt ignores the window", "engine/internal/counter/pair.go",
		"		if c.win.Load() != w {\n			return Moved\n		}\n		if t&tokenValue", "		if t&tokenValue",
		"./engine/internal/counter", "TestPair",
	},
	{
		"shifting moves no tag", "engine/internal/counter/pair.go",
		"min(max(t&tokenValue+tokens, 0), Max))+tokenTag)", "min(max(t&tokenValue+tokens, 0), Max)))",
		"./engine/internal/counter", "TestPair|TestShift",
	},
	{
		"dropped deployments keep their limits", "engine/turn.go",
		"	h.limits.Store(nil) // these are turned no more: a deployment that is found again begins with new counters\n", "",
		"./engine", "TestFoundAgain",
	},
	{
		"capacity freed during a search goes to the waiter looked at next", "engine/dispatch.go",
		"		if !g.overtakes(w, still()) {\n			g.tryAdmit(w)\n		}\n", "		g.tryAdmit(w)\n",
		"./engine", "TestPriorityInLine|TestPriorityFirst",
	},
	{
		"a caller keeps what a deployment refused", "engine/admit.go",
		"			by.undo()\n", "",
		"./fuzz", "TestCaller",
	},
	{
		"attempts half way are not seen", "engine/internal/counter/pair.go",
		"	half := (int64(uint64(t)>>(tokenBits+10)) - int64(uint64(r)>>(requestBits+10))) & 1023\n", "	half := int64(0)\n",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"requests left for all attempts half way make a class's attempt sure", "engine/verdict.go",
		"{ return t.h.caller != nil || t.h.e.shared() }", "{ return t.h.caller != nil }",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"limits beside the pair undo no attempt half way", "engine/verdict.go",
		"	sure, timeDependent := ms == nil, ", "	sure, timeDependent := true, ",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"a limit beside the pair sees no attempt half way", "engine/verdict.go",
		"!(refused && ample && !undoable) ||", "!(refused && ample && !undoable) && ms == nil ||",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"a limit beside the pair leaves headroom although an attempt is half way", "engine/verdict.go",
		"	v.unsure = half != 0 && ", "	v.unsure = half != 0 && ms == nil && ",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"PreCheck sees no attempt half way", "engine/precheck.go",
		"		return v.refusal, v.pending, counter.Refused\n", "		return v.refusal, false, counter.Refused\n",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"a caller's refusal sees no attempt half way", "engine/called.go",
		"		is := t.verdict()\n", "		is := t.verdict()\n		is.pending = false\n",
		"./engine", "TestCallerRefusalSeesNoAttemptHalfWay",
	},
	{
		"an attempt half way of a caller is sure, as a deployment's is", "engine/verdict.go",
		"{ return t.h.caller != nil || t.h.e.shared() }", "{ return t.h.e.shared() }",
		"./engine", "TestCallerRefusalSeesNoAttemptHalfWay",
	},
	{
		"a caller's request that is counted already belongs to no attempt half way", "engine/verdict.go",
		"	return t.h.caller == nil // an attempt", "	return true // an attempt",
		"./engine", "TestCallerRefusalSeesNoAttemptHalfWay",
	},
	{
		"headroom is remembered although an attempt is half way", "engine/choose.go",
		"	if !unsure {\n", "	if !unsure || unsure {\n",
		"./engine", "TestRefusalSeesNoAttemptHalfWay",
	},
	{
		"the leases of a dropped deployment are not counted", "engine/ids.go",
		"		h.e.droppedLeases.ended.Add(h.flight.Ended())\n", "",
		"./engine", "TestEndOfTheLastLeaseIsCounted",
	},
	{
		"a deployment that is found again counts its leases twice", "engine/engine.go",
		"		e.droppedLeases.ended.Add(-h.flight.Ended())\n", "",
		"./engine", "TestEndOfTheLastLeaseIsCounted",
	},
	{
		"a deployment is dropped though a limit has counted something", "engine/internal/counter/turn.go",
		"s.Reported == 0 && v <= others && (", "s.Reported == 0 && (",
		"./engine", "TestRemovedIsForgotten",
	},
	{
		"a caller's undone attempt keeps its request", "engine/called.go",
		"	h.hot.Of(e).AddRequests(e, -1)\n", "",
		"./engine", "TestCallerUndone",
	},
	{
		"a caller's attempt that a limit refuses keeps its tokens", "engine/called.go",
		"&c.amounts, requests, nil); o != counter.Taken {\n			h.undo(e, cost)\n", "&c.amounts, requests, nil); o != counter.Taken {\n			h.undo(e, 0)\n",
		"./engine", "TestCallersInterleaved",
	},
	{
		"tokens of an undone attempt whose minute is folded are lost", "engine/charge.go",
		"		h.unattributed(-tokens, 0) // folded with the tokens in it\n", "		_ = 0\n",
		"./fuzz", "TestRolloverLosesNothing",
	},
	{
		"a cooldown is shortened", "engine/internal/breaker/breaker.go",
		"	if b.Cooling() && until <= b.until || until <= now {", "	if until <= now {",
		"./engine/internal/breaker", ".",
	},
	{
		"each refusal of a burst counts", "engine/internal/breaker/answer.go",
		"	if !known {\n		b.fail(now)\n	}\n", "	b.fail(now)\n",
		"./engine/internal/breaker", ".",
	},
	{
		"a request sent before the cooldown was over opens the gate", "engine/internal/breaker/breaker.go",
		" || b.state == HalfOpen && sent < b.since || b.sameBurst(sent) {", " || b.sameBurst(sent) {",
		"./engine/internal/breaker", ".",
	},
	{
		"refusals in a row are never forgotten", "engine/internal/breaker/answer.go",
		"	if idle := now - b.failedAt; idle > 0 {", "	if idle := now - b.failedAt; idle < 0 {",
		"./engine/internal/breaker", ".",
	},
	{
		"more that is used late counts nowhere", "engine/internal/counter/limit.go",
		"	if n > 0 {\n		l.Count(now, n)\n	}\n", "",
		"./engine/internal/counter", "FuzzLimit",
	},
	{
		"an attempt by an old clock counts in a window that has passed", "engine/internal/counter/limit.go",
		"	case !ok || l.Clocked() && l.ahead(w) != 0:", "	case !ok:",
		"./engine/internal/counter", "TestClockedLimitsGoOn",
	},
	{
		"an expired lease ends once more", "engine/internal/counter/flight.go",
		"		if v>>turnShift != slot>>4 {\n			return 0, false\n		}\n", "",
		"./engine/internal/counter", "FuzzFlight",
	},
	{
		"what a call consumed is charged to the last minute that was looked at", "engine/count.go",
		"	if n > 0 {\n		h.catchUp()\n	}\n", "",
		"./engine", "TestSettleInAnIdleGroup",
	},
	{
		"what a call in an idle group consumed is charged to its last minute", "engine/count.go",
		"	e, now := g.minute()\n	return counter.At{Epoch: e, Now: within(e, now)}, true\n",
		"	e := g.epoch.Load()\n	return counter.At{Epoch: e, Now: within(e, h.e.clock.Now())}, true\n",
		"./engine", "TestSettleInAnIdleGroup",
	},
	{
		"a lowered grant is not looked at again", "engine/internal/counter/limit.go",
		"		if l.grant != nil && s.to&limitValue > l.GrantedIn(s.window) {", "		if false {",
		"./engine/internal/counter", "TestLoweredGrantsRefusePlannedSteps",
	},
	{
		"a step is planned by the cap that a grant had", "engine/internal/counter/limit.go",
		"		if !word.CompareAndSwap(s.from, s.to) {", "		if n := word.Load(); !word.CompareAndSwap(n, n+s.to-s.from) {",
		"./engine/internal/counter", "TestLoweredCapsRefusePlannedSteps",
	},
	{
		"minutes repeat after the clock is set back", "window/clock.go",
		"	case now < floor:\n		return floor\n", "",
		"./window", "TestClockNeverGoesBackOverAnEpoch",
	},
}

// TestMutantsApply: every fault names a place that is there, and tests that are.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants {
		src, err := os.ReadFile(filepath.Join("..", m.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(src), m.from), m.name)
	}
}

// TestMutants makes every fault, one after the other, and requires that the tests find
// it. It takes minutes: `make mutants`.
func TestMutants(t *testing.T) {
	if os.Getenv("PLIMSOLL_MUTANTS") == "" {
		t.Skip("takes minutes: run make mutants")
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			dir, file := t.TempDir(), filepath.Join(root, m.file)
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			edited, overlay := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json")
			require.NoError(t, os.WriteFile(edited, []byte(strings.Replace(string(src), m.from, m.to, 1)), 0o600))
			list, err := json.Marshal(map[string]map[string]string{"Replace": {file: edited}})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(overlay, list, 0o600))
			cmd := exec.Command("go", "test", "-overlay", overlay, "-tags", "invariants", "-vet=off", "-count=1", "-timeout=4m", "-run", m.run, m.pkg)
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "no test of %s -run '%s' finds it", m.pkg, m.run)
			require.NotContains(t, string(out), "[build failed]", string(out))
			require.Contains(t, string(out), "FAIL", string(out))
		})
	}
}
