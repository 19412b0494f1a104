package engine

import "time"

// Pick is [Group.Pick] by name. It returns the deployment's ID. Errors:
// [ErrUnknownGroup], [ErrInvalidDemand], [ErrNoCandidate] or a [*LimitError].
func (e *Engine) Pick(group string, d Demand) (deployment string, err error) {
	g, err := e.Group(group)
	if err != nil {
		return "", err
	}
	r, v := g.pick(&d, true)
	if r.h == nil {
		if r, err = g.pickOrExplain(&d, v); err != nil {
			return "", err
		}
	}
	return r.h.id, nil
}

// PreCheck is [Ref.PreCheck] by name. Errors: [ErrUnknownDeployment],
// [ErrInvalidDemand] or a [*LimitError].
func (e *Engine) PreCheck(deployment string, d Demand) error {
	return e.preCheck(deployment, &d)
}

func (e *Engine) preCheck(deployment string, d *Demand) error {
	h, ok := e.handles.Load(deployment)
	if !ok {
		return unknownDeployment(deployment)
	}
	if preChecked(h, d) {
		return nil
	}
	for try := 1; ; try++ {
		v, ok := preCheck(h, d, true)
		if ok {
			return nil
		}
		if err := preCheckRefusal(h, d, v, try == rechecks); err != nil {
			return err
		}
	}
}

// Record is [Ref.Record] by name. The error is [ErrUnknownDeployment].
func (e *Engine) Record(deployment string, u Usage) error {
	return e.record(deployment, &u) // Record is inlined, so that the usage is stored once
}

func (e *Engine) record(deployment string, u *Usage) error {
	h, ok := e.handles.Load(deployment)
	if !ok {
		return unknownDeployment(deployment)
	}
	h.record(u)
	return nil
}

// Cooldown is [Ref.Cooldown] by name. The error is [ErrUnknownDeployment].
func (e *Engine) Cooldown(deployment string, d time.Duration) error {
	r, err := e.Ref(deployment)
	r.Cooldown(d) // the zero Ref does nothing
	return err
}
