package valkeystore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

// Open returns a store at an address:
//
//	valkey://[user[:password]@]host[:port][/db][?option=value&…]
//
// The scheme redis:// is equivalent; valkeys:// and rediss:// use TLS. Options:
//
//	addr=host:port       another server to begin with; may come several times
//	cluster=true         the servers are a Valkey Cluster
//	master_set=name      the servers are Sentinels that know the primary by this name
//	password_file=path   the password is the file's first line, read at every connect
//	password_env=NAME    the password is in an environment variable, up to the end of its line
//	sentinel_user=, sentinel_password_file=, sentinel_password_env=   the Sentinels' own
//	tls_ca=path          trust these authorities and no others
//	tls_cert=path, tls_key=path   the client's certificate
//	tls_server_name=name the name that the servers' certificates are for
//	dial_timeout=2s      how long connecting may take
//
// Open does not connect. It fails only if the address or the configuration is
// invalid, or a file or an environment variable that they name is missing. The
// first exchange connects; if that fails, the next one tries again. The caller
// must call Close.
func Open(address string, cfg Config) (*Store, error) {
	t, err := parse(address)
	if err != nil {
		return nil, fmt.Errorf("valkeystore: address: %w", err)
	}
	if err := cfg.validate(t.cluster); err != nil {
		return nil, err
	}
	return newStore(newOwned(t.dial), cfg, t.cluster), nil
}

// target is a parsed address.
type target struct {
	option   valkey.ClientOption
	cluster  bool
	password secret // password of the servers
	sentinel secret
}

// secret is a password or its source. An error never contains its text.
type secret struct{ text, file, env string }

func (s secret) read() (string, error) {
	switch {
	case s.file != "":
		b, err := os.ReadFile(s.file)
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	case s.env != "":
		text, ok := os.LookupEnv(s.env)
		if !ok {
			return "", fmt.Errorf("password: the environment variable %s is not set", s.env)
		}
		return strings.TrimRight(text, "\r\n"), nil
	}
	return s.text, nil
}

// place says where the password is to be found.
func (s secret) place() string {
	switch {
	case s.file != "":
		return "in the file " + s.file
	case s.env != "":
		return "in the environment variable " + s.env
	}
	return "in the address"
}

// parse takes an address apart. Its errors repeat nothing but option names and
// values: a password that was not escaped may be in any other part.
func parse(address string) (*target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return nil, errors.New("not a URL such as valkey://host:6379 (a password must be escaped)")
	}
	t := &target{option: settings()}
	o := &t.option
	switch u.Scheme {
	case "valkey", "redis":
	case "valkeys", "rediss":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return nil, errors.New("begin it with valkey://, valkeys:// (TLS), redis:// or rediss:// (TLS)")
	}
	if u.Hostname() == "" {
		return nil, errors.New("no host in it: write valkey://host:6379")
	}
	o.InitAddress = []string{withPort(u.Host)}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if o.SelectDB, err = strconv.Atoi(path); err != nil || o.SelectDB < 0 {
			return nil, errors.New("after the host comes the number of a database or nothing")
		}
	}
	if u.User != nil {
		o.Username = u.User.Username()
		t.password.text, _ = u.User.Password()
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its options cannot be read: write ?name=value&name=value with escaped values")
	}
	if err := t.options(query); err != nil {
		return nil, err
	}
	return t, t.check()
}

// options parses the query.
func (t *target) options(query url.Values) error {
	o := &t.option
	var files struct{ ca, cert, key string }
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		value := values[len(values)-1]
		var err error
		switch name {
		case "addr":
			for _, a := range values {
				o.InitAddress = append(o.InitAddress, withPort(a))
			}
		case "cluster":
			t.cluster, err = strconv.ParseBool(value)
		case "master_set":
			o.Sentinel.MasterSet = value
		case "password_file":
			t.password.file = value
		case "password_env":
			t.password.env = value
		case "sentinel_user":
			o.Sentinel.Username = value
		case "sentinel_password_file":
			t.sentinel.file = value
		case "sentinel_password_env":
			t.sentinel.env = value
		case "dial_timeout":
			o.Dialer.Timeout, err = time.ParseDuration(value)
			if err == nil && o.Dialer.Timeout <= 0 {
				err = errors.New("not positive")
			}
		case "tls_ca":
			files.ca = value
		case "tls_cert":
			files.cert = value
		case "tls_key":
			files.key = value
		case "tls_server_name":
			if o.TLSConfig != nil {
				o.TLSConfig.ServerName = value
			}
		default:
			return fmt.Errorf("no option %q", name)
		}
		if err != nil {
			return fmt.Errorf("option %s: %q cannot be read", name, value)
		}
		if strings.HasPrefix(name, "tls_") && o.TLSConfig == nil {
			return fmt.Errorf("option %s needs an address with valkeys:// (TLS)", name)
		}
	}
	if o.TLSConfig == nil {
		return nil
	}
	return trust(o.TLSConfig, files.ca, files.cert, files.key)
}

func trust(cfg *tls.Config, ca, cert, key string) error {
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return fmt.Errorf("option tls_ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return errors.New("option tls_ca: no certificate in it")
		}
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("options tls_cert, tls_key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// check reports parts that exclude each other, and secrets that are missing.
func (t *target) check() error {
	o := &t.option
	if t.cluster && o.Sentinel.MasterSet != "" {
		return errors.New("either option cluster or option master_set: leave out one")
	}
	if t.cluster && o.SelectDB != 0 {
		return errors.New("a cluster has only database 0: leave out the number after the host")
	}
	if o.Sentinel.MasterSet == "" && (o.Sentinel.Username != "" || t.sentinel != secret{}) {
		return errors.New("sentinel options need option master_set=name")
	}
	if !t.cluster && o.Sentinel.MasterSet == "" && len(o.InitAddress) > 1 {
		return errors.New("several servers need option cluster=true or master_set=name")
	}
	if t.password.file != "" && t.password.env != "" || t.password.text != "" && t.password.file+t.password.env != "" {
		return errors.New("the password comes from more than one place: keep one of the address, password_file and password_env")
	}
	for _, s := range []secret{t.password, t.sentinel} {
		if _, err := s.read(); err != nil {
			return err
		}
	}
	return nil
}

// withPort adds the default port to a host without one.
func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "6379")
}
