package replay

const (
	intro = `Runs a trace of LLM traffic through the engine, or through another policy, in
virtual time, against simulated deployments that enforce their own limits per UTC
minute. It reports the calls that were served, those that the policy refused and
those that a provider refused. The same flags give the same result on every run,
except for the time it took. With --sync URL it runs in real time instead, and no
two runs are alike; with --target URL the traffic goes to a daemon (plimsoll
serve), in real time.`

	more = `Policies:
  engine            plimsoll: reserves a call's expected cost when it starts and
                    puts the true cost in its place at the end
  litellm           LiteLLM's usage-based-routing-v2: fewest tokens of the calls
                    that ended this minute; requests counted when they start
  litellm+cooldown  the same, and a deployment that refused is left out for the
                    Retry-After it sent, as LiteLLM's router does
  round-robin       one after the other
  random            drawn in proportion to TPM
  least-in-flight   fewest calls under way
The last three know no limits, and none but the engine reserves anything. Of a
configuration they all see RPM and TPM; order, weights, max_in_flight and the
rest are the engine's alone. As in the original, litellm never uses a deployment
with a colon in its id.

Rules:
  fixed             per UTC minute: input when a call is admitted, output when it
                    ends
  fixed-unknown     the same, in minutes that begin at a second of each
                    deployment's own
  bucket            buckets that hold a minute's limit and fill up evenly; input is
                    taken out at admission if it is there, output when the call
                    ends, be it there or not
  azure10, azure1   input and max_tokens at admission, nothing at the end, in
                    minutes of each deployment's own; RPM is judged by 10 s, or 1 s
  sliding           as fixed, over the 60 s before each instant
  softcap           every call is taken; the limits are the operator's
With --rule the load is of what providers charge, policies misjudge prompts by 5 %,
refusals and first tokens carry rate-limit headers (OpenAI's, or Azure's), and the
policy is measured by a clairvoyant: the best of six that see all accounts and are
never refused. The JSON gains rule and, except for softcap, clairvoyant:
  best, tokens_served, fewest_refused
                    which of the six, its tokens served, and the calls refused by
                    the one that refused the fewest
  goodput           the policy's tokens served as a share of those
  avoidable         the policy's calls not served, less fewest_refused
With --compare as well, the report of the best stands beside policies.

Simulated deployments enforce RPM and TPM as configured; those of a configuration
write an output token in 20 ms.

A call that the provider refuses (429) is tried once more, on another
deployment. The JSON has these keys, and the table shows most of them:
  policy            its name
  offered           calls: served + refused_local + refused_provider
  refused_local     refused by the policy; no provider was called
  refused_provider  refused by a provider, and not saved by the second try
  provider_429      attempts that providers refused
  tokens_served, tokens_offered
                    input and output tokens of the calls served, and of all
  quota_tokens      the pool's TPM limits times the minutes the trace has begun
  overrun_tokens    tokens above a deployment's TPM limit in a UTC minute: input
                    when the provider takes a call, output when the call ends
  fairness          Jain's index of tokens served / TPM limit by deployment:
                    1 if all were used alike, 1/n if only one of n was
  wall_ms, decisions_per_s
                    real time, and attempts the policy decided on in a second
and for each of its deployments, beside id, rpm_limit and tpm_limit (0 = none,
-1 = nothing is allowed):
  served, tokens    calls, and their input and output tokens
  peak_rpm          most requests the policy admitted in one UTC minute
  peak_reserved_tpm highest usage of one UTC minute right after an admission:
                    reservations (the prompt, where a policy reserves nothing),
                    and the true cost of calls that had ended
  peak_ended_tpm    most input tokens admitted in one UTC minute plus output
                    tokens of calls that ended in it; answers may be longer than
                    expected, so it may pass the limit

With --compare the JSON is {"policies": [...]}: all of this for every policy,
and in soft_cap what came of a second run in which providers take every call and
the limits are only caps that the operator wants kept: served, refused,
tokens_served, overrun_tokens. "Over caps" in the table is of that run.

With --nodes above 1 the policy is engine, every node with its own engine and
syncer, or litellm, whose nodes share requests as the original's do (a node that
has counted some reports them to the store and receives the total) and tokens not at all;
--compare runs these two. The JSON gains cluster, of a run in which providers
take every call: nodes, interval_ms, offered (calls), refused_with_room (attempts
refused while the call and 2 % of the limits more were free), and for each of the
limits, beside deployment, kind (rpm or tpm) and limit, as shares of the limit:
  over_mean, over_max  what all nodes together used above it, right after an
                    admission: mean and highest of all UTC minutes
  bound             what over_max should stay below: (N - 1) x r x (staleness +
                    round trip) and one request per node, with r the highest rate
                    one node used it at over such a span
  full_minutes      minutes whose calls asked for more than all the limits of
                    this kind allow together
  admitted          used in those minutes, on average

With --scenario NAME, --sync URL and --nodes N the nodes are offered twice (--load)
what three limits allow, for whole UTC minutes (--for, 2m if left out): steady, at
random nodes; burst, all of it within 200 ms; skew, mostly at an eighth of the nodes;
moving, at one node after the other; outage, as steady, with the server out of reach
from the 20th to the 25th second. Nodes in mode usage, nodes in mode escrow (they wait
for a grant, 10 ms or three round trips), with --mode auto nodes in mode auto, and
nodes of LiteLLM's rule meet the same requests at the same moments. The JSON is
scenario, nodes, minutes and limits, each with rules: over_mean and over_max (beyond
the limit), unused (though it was asked for), refused, waited and vain (shares of the
requests: those that took more than a millisecond, and those of them refused) and
wait_ms (of those admitted).

With --sync URL every node of the engine has its own clock, syncer and connection,
under a namespace of this run's; every node of litellm pushes INCRBY and EXPIRE
for its request counts each interval, under a prefix of this run's. Both meet
the same requests at the same moments, providers take every call, and all keys
expire. If a server does not answer, stderr has a warning, and the nodes go on
alone (the engine's by policy share). The JSON is seconds, interrupted and
policies, each with policy, offered = served + refused + under_way (calls not
ended when it was over), holds (no over_max is above its bound), cluster as
above, lag_ms (how late something was done, at most), and sync:
  exchanges, failures
                    that the server answered, and that failed
  staleness_ms      from one exchange's beginning to the end of the node's next,
                    at most; the bounds are of this span
  round_trip_ms     of the longest exchange
  away_s            seconds for which a node of the engine went on alone, at most
  last_error        of the latest failure, if there was any`
)
