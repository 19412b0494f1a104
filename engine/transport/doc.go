// Package transport puts an engine behind an [http.RoundTripper]: requests in
// the shape of OpenAI's or Anthropic's API go to the deployment that the engine
// chooses, and their usage is reported to it.
//
// # One request
//
// The body's "model" is the name of the group. The transport estimates the prompt's
// tokens, acquires a lease, sends the request with the chosen deployment's host, path,
// model and credential, reads the usage from the answer, and settles the lease. Answers
// are passed on as they arrive; at most one event of a stream is held back. Bodies are
// not translated: a group serves OpenAI's shapes or Anthropic's. The end of the path
// determines the operation, whatever is before it:
//
//   - /chat/completions, /completions, /responses, /responses/compact, /embeddings and
//     /messages count requests and tokens;
//   - /images/generations, /images/edits, /images/variations, /audio/speech,
//     /audio/transcriptions, /audio/translations, /moderations and /rerank count a
//     request, and tokens if the answer reports them; bodies may be forms if the
//     API has forms;
//   - /messages/count_tokens and /responses/input_tokens count nothing.
//
// [Transport.Forward] sends a request that belongs to one deployment, without counting it.
//
// # Usage
//
// The transport requests the usage of a chat's stream (stream_options.include_usage). A client
// that has not requested it does not get the chunk with the usage. Without usage
// the reservation stands. An answer that is cut short, by the provider or by the client, is settled
// with the tokens seen: the input as reported or estimated, and the output as
// at least a token for every piece. If nothing was seen the reservation
// stands.
//
// Tokens read from a cache or written to one are counted by the weights of the
// deployment's profile. [Profiles] gives each deployment the rule
// of its provider. If a profile has no weights every token counts as one, except
// cache reads that Anthropic reports beside its input. These are left out, as they
// count against none of its limits.
//
// # Failures
//
// Package provider classifies every answer by its status, or by its body if that is more
// specific, errors inside a 200 included. The class determines what follows. The beginning of a
// 200 is held back until it shows content or an error, for
// [Config.HoldTime] and [Config.HoldBytes] at most.
//
//	the answer                                  tried elsewhere      the deployment
//	a limit used up, no capacity, no money      yes                  cools down
//	the deployment's fault: key, region, model  yes                  cools down from the second in a row
//	it failed: 5xx, a timeout, a cut            once, one in ten     cools down from the second in a row
//	too large here                              once, where larger   nothing
//	the request's fault                         no                   nothing
//
// Up to [Config.MaxAttempts] deployments are tried as long as no byte has reached the
// client. The client gets the answer of the last one. A call that failed after its request
// was sent may have been counted by the provider. Its reservation stands. It is sent again once at
// most, for one in ten of a group's calls (docs/adr/0026), and never if each call
// creates something (images, background and stored responses). Retry-After is obeyed up to
// ten minutes, or longer if a limit per hour or day is used up. Failures for which no provider has advised a wait never begin a
// cooldown of the last deployment of a group.
//
// A call to a silent provider ends after [Timeouts]. If a client gives up before the
// first byte, that counts against the deployment only after 30 s and three times the usual
// time of the deployment. It then ranks behind others, and cools down if three different clients
// have given up.
//
// # Refusals
//
// A request that the engine refuses gets the answer of a provider at its limit, which clients
// handle already: 429 with Retry-After and Retry-After-Ms. A
// request that will never fit gets X-Should-Retry: false instead. The status is 404 for an unknown
// group, 400 for a body that is not JSON, and 413 for a body above [Config.MaxBody]. Answers of a
// provider have [HeaderDeployment], the transport's own do not.
//
// # Secrets
//
// The client's credentials are sent to no provider. The deployments' credentials are in no
// error, no [Attempt] and not in the Request of a response. The package logs
// nothing.
package transport
