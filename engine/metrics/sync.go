package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// syncMetric is one figure of a syncer.
type syncMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*syncer.Stats) float64
}

var syncMetrics = []syncMetric{
	syncCounter("exchanges_total", "Batches that the store answered.", func(s *syncer.Stats) int64 { return s.Exchanges }),
	syncCounter("failures_total", "Attempts at an exchange that failed.", func(s *syncer.Stats) int64 { return s.Failures }),
	syncCounter("in_doubt_total", "Batches of which it was not known at some time whether they were applied.", func(s *syncer.Stats) int64 { return s.InDoubt }),
	syncCounter("duplicates_total", "Batches that had been applied when they were sent again.", func(s *syncer.Stats) int64 { return s.Duplicates }),
	syncCounter("replayed_total", "Acknowledged batches that the store had lost, and took again.", func(s *syncer.Stats) int64 { return s.Replayed }),
	syncCounter("reseeded_total", "Times that a bucket of the store began a new epoch after a loss, or was found emptied.", func(s *syncer.Stats) int64 { return s.Reseeded }),
	syncCounter("restored_total", "Keys that the store had lost, for instance by eviction.", func(s *syncer.Stats) int64 { return s.Restored }),
	syncCounter("refused_requests_total", "Requests that the store will never take: not shared.", func(s *syncer.Stats) int64 { return s.Refused.Requests }),
	syncCounter("refused_tokens_total", "Tokens that the store will never take: not shared.", func(s *syncer.Stats) int64 { return s.Refused.Tokens }),
	syncCounter("dropped_requests_total", "Requests not shared in time.", func(s *syncer.Stats) int64 { return s.Dropped.Requests }),
	syncCounter("dropped_tokens_total", "Tokens not shared in time.", func(s *syncer.Stats) int64 { return s.Dropped.Tokens }),
	syncCounter("day_refused_requests_total", "Requests of a day that the store will never take: not shared.", func(s *syncer.Stats) int64 { return s.RefusedOfDays.Requests }),
	syncCounter("day_refused_tokens_total", "Tokens of a day that the store will never take: not shared.", func(s *syncer.Stats) int64 { return s.RefusedOfDays.Tokens }),
	syncCounter("day_dropped_requests_total", "Requests of a day not shared in time.", func(s *syncer.Stats) int64 { return s.DroppedOfDays.Requests }),
	syncCounter("day_dropped_tokens_total", "Tokens of a day not shared in time.", func(s *syncer.Stats) int64 { return s.DroppedOfDays.Tokens }),
	syncCounter("bytes_total", "Bytes sent and received, as far as the store reports them.", func(s *syncer.Stats) int64 { return s.Bytes }),
	{
		syncDesc("degraded_seconds_total", "How long part of the store has not answered, in all."), prometheus.CounterValue,
		func(s *syncer.Stats) float64 { return s.Degraded.Seconds() },
	},
	syncGauge("away", "Whether part of the store does not answer, or has only just begun to.", func(s *syncer.Stats) float64 { return number(s.Away) }),
	syncGauge("staleness_seconds", "Since the last answer of the bucket that waits longest.", func(s *syncer.Stats) float64 { return s.Staleness.Seconds() }),
	syncGauge("interval_seconds", "Between two rounds, now.", func(s *syncer.Stats) float64 { return s.Interval.Seconds() }),
	syncGauge("round_trip_seconds", "Of an exchange: moving average of the slowest bucket.", func(s *syncer.Stats) float64 { return s.RoundTrip.Seconds() }),
	syncGauge("clock_offset_seconds", "Of the store's clock, as far as it is followed.", func(s *syncer.Stats) float64 { return s.Offset.Seconds() }),
	syncGauge("nodes", "Nodes that share the store; 0 = not known yet.", func(s *syncer.Stats) float64 { return float64(s.Nodes) }),
	syncGauge("unaware_nodes", "Nodes of a version that shares usage whatever mode holds: they may pass limits that are held by escrow.", func(s *syncer.Stats) float64 { return float64(s.Unaware) }),
	syncGauge("other_mode_nodes", "Nodes that are configured for other modes than this one, up to 64 nodes: give all the same.", func(s *syncer.Stats) float64 { return float64(s.OtherModes) }),
	syncGauge("outdated_nodes", "Nodes alive of an older version, whose usage is in other counters.", func(s *syncer.Stats) float64 { return float64(s.Outdated) }),
	syncGauge("keys", "Deployments and windows kept in step.", func(s *syncer.Stats) float64 { return float64(s.Keys) }),
	syncGauge("escrow", "Whether limits on the requests and tokens of a minute are held by reserving in the store first.", func(s *syncer.Stats) float64 { return number(s.Mode != syncer.Usage) }),
	syncGauge("escrow_granted_requests", "Requests of the current minute that this node may use, under limits held by escrow.", func(s *syncer.Stats) float64 { return float64(s.Granted.Requests) }),
	syncGauge("escrow_granted_tokens", "Tokens of the current minute that this node may use, under limits held by escrow.", func(s *syncer.Stats) float64 { return float64(s.Granted.Tokens) }),
	syncGauge("escrow_waiting_requests", "Requests that wait for a grant.", func(s *syncer.Stats) float64 { return float64(s.Waiting.Requests) }),
	syncCounter("escrow_missed_total", "Requests that could not wait and found no grant although the limit had room.", func(s *syncer.Stats) int64 { return s.Missed }),
	syncGauge("escrow_by_usage_deployments", "Deployments that are kept together by usage though the node holds limits by escrow: buckets, minutes with a phase, pools, counters that the store refuses.", func(s *syncer.Stats) float64 { return float64(s.ByUsage) }),
	syncGauge("differing_deployments", "Deployments that other nodes keep together in another mode than this node is configured for; it follows them.", func(s *syncer.Stats) float64 { return float64(s.Differing) }),
	syncCounter("escrow_waited_in_vain_total", "Requests that waited for a grant and were refused.", func(s *syncer.Stats) int64 { return s.Vain }),
	syncGauge("forecast_requests", "Requests the others are believed to have made since the last totals.", func(s *syncer.Stats) float64 { return float64(s.Forecast.Requests) }),
	syncGauge("forecast_tokens", "Tokens the others are believed to have used since the last totals.", func(s *syncer.Stats) float64 { return float64(s.Forecast.Tokens) }),
}

func syncDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("plimsoll_sync_"+name, help, nil, nil)
}

func syncCounter(name, help string, value func(*syncer.Stats) int64) syncMetric {
	return syncMetric{syncDesc(name, help), prometheus.CounterValue, func(s *syncer.Stats) float64 { return float64(value(s)) }}
}

func syncGauge(name, help string, value func(*syncer.Stats) float64) syncMetric {
	return syncMetric{syncDesc(name, help), prometheus.GaugeValue, value}
}
