package serve

const (
	intro = `Runs the daemon: decisions over HTTP for gateways that do not embed the engine,
and a proxy for OpenAI's and Anthropic's clients to the deployments that have an
endpoint. Without flags it uses a built-in example, on 127.0.0.1:4141.
docs/API.md describes the requests, docs/REFERENCE.md the daemon,
docs/OPERATIONS.md what to do when something is wrong.`

	more = `Each flag may be given by an environment variable: PLIMSOLL_CONFIG for --config,
PLIMSOLL_ADMIN_LISTEN for --admin-listen and so on; PLIMSOLL_LISTEN takes several
addresses, with commas between them. A flag wins.

After SIGTERM /readyz answers 503 and the daemon serves for --lame-duck. Then it
lets requests under way end, reports the remaining usage to the store and stops.
Ctrl-C and a second signal skip the lame duck. One more signal ends the process.`
)
