package engine

import "github.com/plimsoll-dev/plimsoll/engine/provider"

// CooldownCause is why a deployment began to cool down.
type CooldownCause uint8 // an index of the result of [Ref.Cooldowns]

// The causes of cooldowns.
const (
	CooldownRateLimit CooldownCause = iota // the provider refused a call for its rate
	CooldownFailure                        // calls failed, or the provider was overloaded
	CooldownNoMoney                        // the account is empty
	CooldownReported                       // an operator, or another node, reported it

	CooldownCauses = 4 // the number of causes
)

// String returns the cause's name: rate_limit, failure, no_money or reported.
func (c CooldownCause) String() string {
	if c >= CooldownCauses {
		return "unknown"
	}
	return [CooldownCauses]string{"rate_limit", "failure", "no_money", "reported"}[c]
}

// causeOf returns the cause of a cooldown that a kind of answer has begun.
func causeOf(k provider.Kind) CooldownCause {
	switch k {
	case provider.RateLimit:
		return CooldownRateLimit
	case provider.NoMoney:
		return CooldownNoMoney
	case provider.Fine:
		return CooldownReported
	default:
		return CooldownFailure
	}
}
