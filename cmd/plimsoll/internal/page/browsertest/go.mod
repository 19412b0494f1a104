module github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/page/browsertest

go 1.26.0

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/plimsoll-dev/plimsoll v0.1.0
	github.com/plimsoll-dev/plimsoll/cmd/plimsoll v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/coreos/go-systemd/v22 v22.7.0 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/puzpuzpuz/xsync/v3 v3.5.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/plimsoll-dev/plimsoll => ../../../../..
	github.com/plimsoll-dev/plimsoll/cmd/plimsoll => ../../..
)
