package provider

import (
	"regexp"
	"slices"
	"strings"
)

// A phrase classifies an error by its message, if no row of words matches. Providers word the
// same errors in similar ways. Only messages with certain statuses are searched for a phrase.
type phrase struct {
	kind Kind
	open []Kind // the kinds by status for which the phrase is searched
	text *regexp.Regexp
}

var (
	quoted    = regexp.MustCompile("\"[^\"]*(?:\"|$)|`[^`]*(?:`|$)|(^|[^\\pL\\pN])'[^']*(?:'|$)")
	perMinute = regexp.MustCompile(`\bper[ -](second|min|minute|hour|day)\b|\b[rt]p[md]\b`)
)

// phrases are searched in this order.
var phrases = []phrase{
	// A content filter rejects the prompt on every deployment.
	{Rejected, []Kind{Rejected, Other}, either(
		`\b(input|prompt|content|output|image|text|messages?)\b[^.]{0,60}\b(flagged|blocked|filtered|moderation|inappropriate|sensitive|harmful|unsafe|violat\w*|prohibited)\b`,
		`\b(flagged|blocked|filtered|inappropriate|sensitive|harmful|unsafe|violat\w*|prohibited)\b[^.]{0,40}\b(input|prompt|content|text|words?|information)\b`,
		`\bguardrails?\b[^.]{0,40}\b(failed|blocked|violated|triggered|intervened)\b`, `不安全|敏感内容`,
	)},
	{NoMoney, []Kind{Rejected, Other, RateLimit}, either(
		`\b(insufficient|not enough|no|out of|low|negative|exhausted|depleted)\s+(\w+\s+){0,2}(balance|credits?|funds)\b`,
		`\b(balance|credits?|funds)\b[^.]{0,40}\b(not enough|insufficient|too low|exhausted|depleted|used up|expired|negative)\b`,
		`\bpayment[ _](method|required|instrument)\b`, `\b(overdue|past due|unpaid|arrears)\b`,
		`\b(top up|recharge|(add|buy|purchase) (more )?credits|credit limit)\b`,
		`\bspend(ing)? (limit|cap|alert)\b`, `\bbudget\b[^.]{0,30}\b(exceed|reached|exhausted)`, `\bexceed\w*[^.]{0,30}\bbudget\b`,
		`\bfree (tier|quota|trial)\b[^.]{0,40}\b(exhausted|expired|ended|used up)\b`, `\b(exhausted|used up)\b[^.]{0,20}\bfree (tier|quota|trial)\b`,
		`\bmonthly (\w+ )?(quota|limit)\b`, `\bcalls ?/ ?month\b`, `\bquota for (this|your) (account|plan)\b`, `\b(balance|credits?) (is|are) required\b`,
		`\bbilling\b[^.]{0,30}\b(disabled|enabled|inactive)\b`, `余额不足|欠费`,
	)},
	{TooLarge, []Kind{Rejected}, either(
		`\b(context|prompt|inputs?|conversation|messages?|text|request)\b[^.]{0,80}\b(too long|too large|too many tokens)\b`,
		`\b(inputs?|prompt|context|request)\b[^.]{0,40}\btokens?\b[^.]{0,80}(\b(exceed\w*|limit|only supports|(longer|larger|greater|more) than)\b|must be (<|less|at most))`,
		`\bmax(imum)? allowed tokens\b`, `\btoo many (total |input |prompt )?(tokens|text bytes)\b`,
		`\b(context|sequence) (length|window|size)\b[^.]{0,40}\b(is (only|just)|exceeded)\b`,
		`\b(exceed\w*|(longer|larger|greater) than)\b[^.]{0,60}\b(context|sequence) (length|window|size)\b`,
		`\bexceed\w*[^.]{0,40}\bmax(imum)? (input |prompt |token )?(length|tokens)\b`, `\bexpected maxlength\b`, `\bprompt ?超长`,
	)},
	{Overloaded, []Kind{Rejected, Other, RateLimit}, either(
		`\boverloaded\b`, `\b(at|over|no|out of|not enough|insufficient) capacity\b`, `\bcapacity (\w+ )?(exceeded|constraints)\b`, `\b(maximum|full) capacity\b`,
		`\b(high|heavy) (traffic|load)\b`,
		`\b(server|service|system|engine|model)\b[^.]{0,30}\bbusy\b`, `\btemporarily unavailable\b`,
		`\bno (healthy|available) (upstreams?|instances?|workers?|replicas?|servers?)\b`, `\b(warming up|still loading)\b`, `访问量过大`,
	)},
	{RateLimit, []Kind{Rejected, Other}, either(
		`\btoo many requests\b`, `\brate[ -]?limit`, `\b(requests?|tokens?|qps|rpm|tpm|usage) (limit|quota) (is |was |has been )?(reached|exceeded)\b`,
		`\bquota (exceeded|violation|will be replenished)\b`, `\bthrottl`, `\bslow down\b`,
	)},
	// The deployment's fault: its key, its account, its region, its model.
	{Other, []Kind{Rejected, Other}, either(
		`\b(api|access|secret|auth|subscription|bearer)[ _-]?(key|token|secret|credentials?)\b[^.]{0,60}\b(invalid|incorrect|not valid|missing|expired|revoked|disabled|not found|unknown|wrong|malformed|deleted|inactive|leaked|required)\b`,
		`\b(invalid|incorrect|missing|expired|revoked|disabled|unknown|wrong|malformed|bad|no) (api|access|secret|auth|subscription|bearer)[ _-]?(key|token|secret|credentials?)\b`,
		`\bauthenticat\w+ (failed|error|required|failure)\b`, `\bfailed to authenticate\b`, `\bnot (authenticated|authori[sz]ed)\b`, `\bunauthori[sz]ed\b`,
		`\blogin fail`, `\bvalidate credentials\b`, `\b(no|not have|denied) (permission|access)\b`, `\b(access|permission) (is )?denied\b`,
		`\b(account|subscription|project|organi[sz]ation|workspace|team|tenant)\b[^.]{0,60}\b(suspended|disabled|deactivated|restricted|inactive|not active|banned|terminated|locked|frozen|closed|must be verified|not verified|not allowed)\b`,
		`\b(country|region|territory|location)\b[^.]{0,60}\b(unsupported|restricted|not (supported|available|allowed))\b`, `\bnot (supported|available|allowed) in (your|this|the) (country|region|territory|location)\b`,
		`\bmodel\b[^.]{0,80}\b(does not exist|doesn't exist|not exist|not found|not available|unavailable|(been|is) (deprecated|removed|retired|decommissioned|disabled)|no longer (available|supported|exists)|end of its life|cannot be used|not (yet )?(deployed|enabled|loaded|running|served))\b`,
		`\b(endpoint|deployment|function|instance)\b[^.]{0,30}\b(stopped|paused|degraded|not (ready|running))\b`, `\brequires (accepting )?(the )?terms\b`, `\bspecified version does not exist\b`,
		`\b(unknown|no such|unsupported|unrecognized|unavailable) model\b`, `\binvalid model( name| id| identifier|:|$)`, `\bapi[- ]version\b`, `模型不存在`,
	)},
}

func either(forms ...string) *regexp.Regexp {
	return regexp.MustCompile(strings.Join(forms, "|"))
}

// phrase returns the kind by the phrases of a message, if the kind by its status is k.
func (r *reader) phrase(k Kind, e *refusal) (Kind, bool) {
	if e.own == "" || e.markup {
		return 0, false
	}
	for i := range phrases {
		p := &phrases[i]
		switch {
		case !slices.Contains(p.open, k) && r.status >= 400:
		case p.kind == TooLarge && perMinute.MatchString(e.own):
		case p.text.MatchString(e.own):
			return p.kind, true
		}
	}
	return 0, false
}
