"""Kafka: lag, partitions against workers, groups, sending."""

from charts.dashboards.panels import Dashboard, Panel, quantiles, rate

KAFKA = Dashboard(
    "pixo-kafka",
    "Pixo / Kafka",
    "Lag, partitions against workers, groups, sending. Lag is the monitor's, told when all workers are dead, too.",
    {
        "Tasks": [
            Panel(
                "Partitions, workers, replicas",
                [
                    ('max(pixo_kafka_topic_partitions{NS, topic=~".*tasks"})', "partitions"),
                    ('sum(pixo_workers{NS, state="alive"})', "workers alive"),
                    ('sum(kube_deployment_spec_replicas{NS, deployment=~".*worker"})', "wanted (cluster)"),
                    ('sum(kube_deployment_status_replicas_ready{NS, deployment=~".*worker"})', "ready (cluster)"),
                ],
                width=12,
                about="Pixo's promise: as many workers work at once as there are partitions. More stand by.",
            ),
            Panel("Oldest task not taken", [("max(pixo_task_oldest_age_seconds{NS})", "age")], "s", width=12),
            Panel(
                "Lag of tasks, by partition",
                [
                    (
                        'sum by (partition) (pixo_kafka_consumer_group_lag_messages{NS, topic=~".*tasks"})',
                        "{{partition}}",
                    )
                ],
                width=12,
                stacked=True,
                about="Windows keep it short: a few tiles a lane, however much waits: that is on the page of jobs.",
            ),
            Panel(
                "Lag of results, by partition",
                [
                    (
                        'sum by (partition) (pixo_kafka_consumer_group_lag_messages{NS, topic=~".*results"})',
                        "{{partition}}",
                    )
                ],
                width=12,
                stacked=True,
            ),
        ],
        "Consumers": [
            Panel("Records taken", [(rate("pixo_kafka_consumer_records_total", "topic"), "{{topic}}")], "ops"),
            Panel(
                "Partitions held",
                [("sum by (pod, topic) (pixo_kafka_consumer_assigned_partitions{NS})", "{{pod}} {{topic}}")],
            ),
            Panel(
                "Assignments received",
                [
                    (
                        "sum by (topic) (increase(pixo_kafka_consumer_rebalances_total{NS}[$__rate_interval]))",
                        "{{topic}}",
                    )
                ],
            ),
            Panel(
                "Commits",
                [(rate("pixo_kafka_consumer_commits_total", "topic, outcome"), "{{topic}} {{outcome}}")],
                "ops",
            ),
            Panel(
                "Time since the last poll",
                [
                    (
                        "time() - max by (pod, topic) (pixo_kafka_consumer_last_poll_timestamp_seconds{NS})",
                        "{{pod}} {{topic}}",
                    )
                ],
                "s",
            ),
            Panel(
                "Fetched and not polled",
                [("sum by (pod, topic) (pixo_kafka_consumer_fetch_queue_bytes{NS})", "{{pod}} {{topic}}")],
                "bytes",
            ),
        ],
        "Producers": [
            Panel(
                "Records acknowledged",
                [(rate("pixo_kafka_produce_duration_seconds_count", "topic"), "{{topic}}")],
                "ops",
            ),
            Panel("Time until acknowledged", quantiles("pixo_kafka_produce_duration_seconds", "topic"), "s"),
            Panel(
                "Records not taken",
                [(rate("pixo_kafka_produce_errors_total", "topic, error"), "{{topic}} {{error}}")],
                "ops",
            ),
        ],
    },
)
