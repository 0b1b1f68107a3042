//! What an operator sees of ownership.

use hongyan_telemetry as telemetry;

pub(crate) struct Metrics {
    pub(crate) serving: telemetry::Gauge,
    pub(crate) epoch_max: telemetry::Gauge,
    pub(crate) nodes: telemetry::GaugeVec,
    pub(crate) unserved: telemetry::Gauge,
    pub(crate) moving: telemetry::Gauge,
    pub(crate) lease: telemetry::Gauge,
    pub(crate) able: telemetry::Gauge,
    pub(crate) deaths: telemetry::Counter,
    pub(crate) hand_overs: telemetry::CounterVec,
    pub(crate) hand_over_gap: telemetry::Histogram,
    pub(crate) takeovers: telemetry::Counter,
    pub(crate) takeover_seconds: telemetry::Histogram,
    pub(crate) leases_lost: telemetry::Counter,
    pub(crate) heartbeat: telemetry::Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            serving: telemetry::gauge(
                "hongyan_membership_partitions_serving",
                "Partitions that this node serves.",
            ),
            epoch_max: telemetry::gauge("hongyan_membership_epoch_max", "The highest epoch of any partition."),
            nodes: telemetry::gauge_vec("hongyan_membership_nodes", "Nodes by what they do.", &["state"]),
            unserved: telemetry::gauge(
                "hongyan_membership_partitions_unserved",
                "Partitions whose owner does not live, in the whole cluster.",
            ),
            moving: telemetry::gauge(
                "hongyan_membership_partitions_moving",
                "Planned moves of partitions under way, in the whole cluster.",
            ),
            lease: telemetry::gauge(
                "hongyan_membership_lease",
                "1 while a leader confirms that this node lives; else it answers for nothing.",
            ),
            able: telemetry::gauge(
                "hongyan_membership_able",
                "1 while this node reaches the data store; else others take over, if they reach it.",
            ),
            deaths: telemetry::counter(
                "hongyan_membership_deaths_total",
                "Nodes that this node, leading, has declared dead.",
            ),
            hand_overs: telemetry::counter_vec(
                "hongyan_membership_hand_overs_total",
                "Planned moves of partitions away from this node, by outcome.",
                &["outcome"],
            ),
            hand_over_gap: telemetry::histogram(
                "hongyan_membership_hand_over_gap_seconds",
                "From when this node stopped serving a partition in a planned move to when the map named the next owner.",
            ),
            takeovers: telemetry::counter(
                "hongyan_membership_takeovers_total",
                "Partitions that this node began to serve.",
            ),
            takeover_seconds: telemetry::histogram(
                "hongyan_membership_takeover_seconds",
                "From when this node learnt that it owns a partition to when it served it: mostly the fence.",
            ),
            leases_lost: telemetry::counter(
                "hongyan_membership_leases_lost_total",
                "How often this node stopped answering because no leader confirmed that it lives.",
            ),
            heartbeat: telemetry::histogram(
                "hongyan_membership_heartbeat_seconds",
                "From a heartbeat to its acknowledgement.",
            ),
        }
    }
}
