package lab

const intro = `Judges routing in virtual time on worlds that are closer to real providers than those of
'plimsoll replay': a network with delays, counts that differ by up to 10 %, headers that are
late or missing, limits that others use, that are wrong or that change, deployments that
fail, agents whose next call waits for the one before, and several nodes.

Without flags it plays every world, all generated traffic and five seeds, prints the goals
of each world beside the results, and a table of the policies. Policies without a
goal, and further seeds, run on a third of the combinations by rotation (--whole: on all).
--quick plays short traffic and one seed, in less than a minute.

Goodput is tokens served, in percent of the best of six greedy routers that see all that
providers have counted and how long answers will be. They are no strict bound: a router
that looks ahead, or lets calls wait, may serve more.`

const more = `Equal flags and files give equal output, byte for byte.
A run that was interrupted goes on with the same --resume FILE. --traces names a folder of
files whose first line is arrival_ms,input_tokens,output_tokens; without it the generators
alone are used.

--from-log FILE plays a log at its own times: first by the policy that made it (--operator),
whose refusals are compared with those of the log, then by the others. A warning says where
they differ by more than 20 % and 2 per 1000 calls. Attempts of one call are merged, repeated
records dropped, tokens of refused calls imputed, and all are counted. Of a log only times,
models, tokens, statuses and hashed identifiers are kept. A file has at most 1 GiB and 4
million calls, and is not compressed. Formats:

  LiteLLM   rows of LiteLLM_SpendLogs as JSON lines, a JSON array, CSV, or the pages that
            /spend/logs/ui answers
  spans     OTLP JSON with gen_ai.request.model, gen_ai.usage.input_tokens and
            gen_ai.usage.output_tokens; http.response.status_code, error.type or the span's
            status. Spans of agents, tools and embeddings are skipped, and those around the
            span of a call
  trace     CSV with the columns arrival_ms,input_tokens,output_tokens
  generic   JSON lines or CSV with time, model, input_tokens, output_tokens and, where
            known, max_tokens, status, deployment and id, which retries share. A time is a
            date (RFC 3339), or seconds or milliseconds since 1970

  plimsoll lab --quick
  plimsoll lab --from-log spend.jsonl --config litellm_config.yaml --operator litellm+cooldown
  plimsoll lab --traces traces --resume lab.state --html lab.html
  plimsoll lab --world openai --world azure10 --traffic chat --seeds 2`
