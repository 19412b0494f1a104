package config

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDigits is the longest number read. Python refuses longer ones too.
const maxDigits = 4300

// What a plain scalar is, in YAML 1.1 as PyYAML implements it. It differs from
// YAML 1.2 in many ways: yes and off are truth values, 010 is 8, 1:30 is 90,
// and 1e5, 0o10 and -.5 are texts.
var (
	boolPattern  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	floatPattern = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?` +
		`|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*` +
		`|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	intPattern = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)` +
		`|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	datePattern = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$`)
	timePattern = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})` +
		`(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?$`)
)

var (
	errLongNumber = errors.New("the number is longer than " + strconv.Itoa(maxDigits) + " digits; no limit needs that many")
	errNumber     = errors.New("this looks like a number but is none; quote it if it is a text")
	errDate       = errors.New("this looks like a date but is none; quote it if it is a text")
)

// resolvePlain returns what an unquoted scalar is.
func resolvePlain(s string) (kind, string, error) {
	switch {
	case s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL":
		return null, "", nil
	case strings.IndexByte("yYnNtTfFoO", s[0]) >= 0:
		if boolPattern.MatchString(s) {
			return boolean, pyBool(s), nil
		}
	case strings.IndexByte("-+.0123456789", s[0]) >= 0:
		return resolveNumber(s)
	}
	return text, s, nil
}

func resolveNumber(s string) (kind, string, error) {
	if len(s) > 2*maxDigits { // the patterns would take long
		if longNumber(s) {
			return 0, "", errLongNumber
		}
		return text, s, nil
	}
	switch {
	case floatPattern.MatchString(s):
		t, err := yamlFloat(s)
		return float, t, err
	case intPattern.MatchString(s):
		t, err := yamlInt(s)
		return integer, t, err
	case datePattern.MatchString(s), timePattern.MatchString(s):
		t, err := yamlDate(s)
		return date, t, err
	default:
		return text, s, nil
	}
}

// longNumber reports whether a text that is long reads like a number.
func longNumber(s string) bool {
	_, s = splitSign(s)
	allowed := "0123456789:."
	if strings.HasPrefix(s, "0x") {
		s, allowed = s[2:], "0123456789abcdefABCDEF"
	} else if strings.HasPrefix(s, "0b") {
		s = s[2:]
	}
	return strings.Trim(s, allowed) == ""
}

// pyBool returns Python's text for a truth value.
func pyBool(s string) string {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return "True"
	default:
		return "False"
	}
}

// splitSign returns the sign and the rest, without underscores.
func splitSign(s string) (negative bool, rest string) {
	s = strings.ReplaceAll(s, "_", "")
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

// yamlInt returns an integer's decimal text.
func yamlInt(s string) (string, error) {
	negative, s := splitSign(s)
	if len(s) > maxDigits {
		return "", errLongNumber
	}
	n := new(big.Int)
	ok := true
	switch {
	case s == "0":
	case strings.HasPrefix(s, "0b"):
		_, ok = n.SetString(s[2:], 2)
	case strings.HasPrefix(s, "0x"):
		_, ok = n.SetString(s[2:], 16)
	case strings.HasPrefix(s, "0"):
		_, ok = n.SetString(s, 8)
	case strings.Contains(s, ":"):
		sixty := big.NewInt(60)
		for part := range strings.SplitSeq(s, ":") {
			digit, good := new(big.Int).SetString(part, 10)
			if !good {
				return "", errNumber
			}
			n.Add(n.Mul(n, sixty), digit)
		}
	default:
		_, ok = n.SetString(s, 10)
	}
	if !ok {
		return "", errNumber
	}
	if negative {
		n.Neg(n)
	}
	return n.String(), nil
}

// yamlFloat returns a float's text as Python writes it.
func yamlFloat(s string) (string, error) {
	negative, s := splitSign(strings.ToLower(s))
	var f float64
	switch {
	case len(s) > maxDigits:
		return "", errLongNumber
	case s == ".inf":
		f, _ = strconv.ParseFloat("inf", 64)
	case s == ".nan":
		return "nan", nil
	case strings.Contains(s, ":"):
		parts := strings.Split(s, ":")
		base := 1.0
		for _, part := range slices.Backward(parts) {
			digit, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return "", errNumber
			}
			f += digit * base
			base *= 60
		}
	default:
		var err error
		if f, err = strconv.ParseFloat(s, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return "", errNumber
		}
	}
	if negative {
		f = -f
	}
	return pyFloat(f), nil
}

// yamlDate returns a day or an instant as Python writes it.
func yamlDate(s string) (string, error) {
	if m := datePattern.FindStringSubmatch(s); m != nil {
		if _, err := time.Parse(time.DateOnly, s); err != nil || m[1] == "0000" {
			return "", errDate
		}
		return s, nil
	}
	m := timePattern.FindStringSubmatch(s)
	n := make([]int, len(m))
	for i, part := range m {
		n[i], _ = strconv.Atoi(part) // digits, or not used
	}
	micro := 0
	if m[7] != "" {
		micro, _ = strconv.Atoi((m[7] + "000000")[:6])
	}
	t := time.Date(n[1], time.Month(n[2]), n[3], n[4], n[5], n[6], micro*1000, time.UTC)
	if n[1] == 0 || t.Year() != n[1] || int(t.Month()) != n[2] || t.Day() != n[3] || t.Hour() != n[4] || t.Minute() != n[5] || t.Second() != n[6] {
		return "", errDate
	}
	layout := "2006-01-02 15:04:05"
	if micro > 0 {
		layout += ".000000"
	}
	out := t.Format(layout)
	switch {
	case m[8] == "Z":
		out += "+00:00"
	case m[8] != "":
		minutes := n[10]*60 + n[11]
		if minutes >= 24*60 {
			return "", errDate
		}
		sign := m[9]
		if minutes == 0 {
			sign = "+"
		}
		out += fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60)
	}
	return out, nil
}
