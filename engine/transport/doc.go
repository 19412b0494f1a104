// Package transport puts an engine behind an [http.RoundTripper]: requests in
// the shape of OpenAI's or Anthropic's API go to the deployment that the engine
// chooses, and their usage comes back to it.
//
// # One request
//
// The body's "model" names the group. The transport estimates the prompt's
// tokens, acquires, sends the request with the chosen deployment's host, path,
// model and credential, reads the usage from the answer, and settles. Answers
// pass through as they arrive; of a stream no more than one event is held. Bodies are
// not translated: a group serves OpenAI's shapes or Anthropic's. The end of the path
// says what is asked for, whatever stands before:
//
//   - /chat/completions, /completions, /responses, /responses/compact, /embeddings and
//     /messages count requests and tokens;
//   - /images/generations, /images/edits, /images/variations, /audio/speech,
//     /audio/transcriptions, /audio/translations, /moderations and /rerank count a
//     request, and tokens where the answer reports them; bodies may be forms where the
//     API has forms;
//   - /messages/count_tokens and /responses/input_tokens count nothing.
//
// [Transport.Forward] sends what belongs to one deployment, uncounted.
//
// # Usage
//
// A chat's stream is asked for its usage (stream_options.include_usage); a client
// that did not ask for it does not see the chunk that carries it. Without usage
// the reservation stands. An answer that is cut short, by whomever, is settled
// with what was seen: the input as reported or estimated, and of the output at
// least a token for every piece that came by. If nothing was seen the reservation
// stands.
//
// Tokens read from a cache or written to one are counted apart, and the weights of the
// deployment's profile say what it counts. [Profiles] gives each deployment the rule
// of its provider. Where a profile has no weights every token counts as one, except
// cache reads that Anthropic reports beside its input: they are left out, as they
// count against none of its limits.
//
// # Failures
//
// What an answer says decides what follows, by package provider's one classification:
// its status, or what its body says where that is more exact, errors inside a 200
// included. The beginning of a 200 is held back until it shows content or an error, for
// [Config.HoldTime] and [Config.HoldBytes] at most.
//
//	what it is                                  tried elsewhere      the deployment
//	a limit used up, no capacity, no money      yes                  cools down
//	the deployment's fault: key, region, model  yes                  cools down from the second in a row
//	it failed: 5xx, a timeout, a cut            once, one in ten     cools down from the second in a row
//	too large here                              once, where larger   nothing
//	the request's fault                         no                   nothing
//
// Up to [Config.MaxAttempts] deployments are tried as long as nothing has reached the
// client; the answer of the last is the client's. A call that failed after its request
// was sent may have been counted: its reservation stands, and it is sent again once at
// most, for one in ten of a group's calls (docs/adr/0026), and not where each call
// creates something (images, background and stored responses). Retry-After is obeyed, to a degree. Errors
// alone, those that no provider has put a time to, never take the last deployment away.
//
// A provider that is silent is left after [Timeouts]. A client that gives up before the
// first byte says something only after 30 s and three times what the deployment usually
// takes: it then ranks behind others, and cools down when three different clients agree.
//
// # Refusals
//
// A request that the engine refuses is answered as a provider would, because clients know
// that and wait as long as it says: 429 with Retry-After and Retry-After-Ms; a
// request that will never fit has X-Should-Retry: false instead. An unknown group
// is 404, a body that is not JSON 400, one above [Config.MaxBody] 413. Answers of a provider carry [HeaderDeployment], the
// transport's own do not.
//
// # Secrets
//
// The client's credentials reach no provider, and the deployments' appear in no
// error, no [Attempt] and not in the Request of a response. The package logs
// nothing.
package transport
