package serve

const (
	intro = `Runs the daemon: decisions over HTTP for gateways that do not embed the engine,
and a proxy for OpenAI's and Anthropic's clients to the deployments that have an
endpoint. Without flags it decides by a built-in example, on 127.0.0.1:4141.
docs/API.md describes the requests, docs/OPERATIONS.md how to run it.`

	more = `Each flag may be given by an environment variable: PLIMSOLL_CONFIG for --config,
PLIMSOLL_ADMIN_LISTEN for --admin-listen and so on; PLIMSOLL_LISTEN takes several
addresses, with commas between them. A flag wins.

SIGTERM says 503 at /readyz and goes on for --lame-duck, lets requests under way
end, tells the store what is not told yet, and stops. Ctrl-C and a second signal
leave the lame duck out; one more signal ends the process at once.`
)
