package serve

const help = `Usage: plimsoll serve [flags]

Runs the daemon: decisions over HTTP for gateways that do not embed the engine,
and a proxy for OpenAI's and Anthropic's clients to the deployments that have an
endpoint. Without flags it decides by a built-in example, on 127.0.0.1:4141.
docs/API.md describes the requests, docs/OPERATIONS.md how to run it.

Flags:
  --config FILE         plimsoll's own format or a LiteLLM config.yaml, read
                        again when it changes and on SIGHUP; a file that cannot
                        be used changes nothing (default: a built-in example)
  --profiles auto|plain
                        how deployments without a profile of their own count: by
                        the rule of their provider, or by UTC minutes (default: as
                        the file says, plain if it does not)
  --listen ADDRESS      host:port, or unix:/path for a socket of this user's; may
                        come several times (default 127.0.0.1:4141). Sockets that
                        systemd hands over take its place
  --admin-listen ADDRESS
                        where operators look instead, with /debug/pprof/ too
  --sync URL            share usage with other nodes by a Valkey or Redis server,
                        in place of the file's store: valkey://host:6379, or
                        valkeys:// for TLS; a password is best given by
                        ?password_file=PATH or in PLIMSOLL_SYNC
  --tokens FILE         only who has one of these tokens may call; 'plimsoll token'
                        makes them. Required where other machines can call
  --snapshot FILE       keeps the usage of limits per day over a restart: written
                        at the end and every minute, read at the start
  --otlp URL            tell an OpenTelemetry collector of each decision and call, by
                        OTLP over HTTP: http://host:4318. OTEL_EXPORTER_OTLP_ENDPOINT
                        does as well, and OTEL_EXPORTER_OTLP_HEADERS adds headers
  --tls-cert FILE, --tls-key FILE
                        speak TLS, but on Unix sockets; read at every handshake
  --drain TIME          how long requests may take to end on SIGTERM (default 10s)
  --max-connections N   open at once; the longest idle one makes room for a new
                        one (default 4096)
  --max-leases N        held at once (default 1000000)
  --log LEVEL           debug, info, warn or error (default info); debug has a
                        line for every request

Each flag may be given by an environment variable: PLIMSOLL_CONFIG for --config,
PLIMSOLL_ADMIN_LISTEN for --admin-listen and so on; PLIMSOLL_LISTEN takes several
addresses, with commas between them. A flag wins.

SIGTERM and Ctrl-C let requests under way end, tell the store what is not told
yet, and stop.
`
