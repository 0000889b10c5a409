import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Asks one question over Kafka and prints the one response to it.
 *
 * <p>It uses no code of the services, only two topic names and two JSON Schemas. Usage:
 * {@code java -cp JARS Client.java BOOTSTRAP QUESTION [REQUEST_ID]}; see README.md.
 */
public final class Client {
    private static final String REQUESTS = "septet.requests.v1";
    private static final String RESPONSES = "septet.responses.v2";
    private static final String TENANT = "default";
    /** Every other status is a failure: `failed`, `expired`, and statuses of later versions. */
    private static final List<String> SUCCESSFUL = List.of("answered", "abstained", "refused", "blocked");
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (args.length < 2) {
            System.err.println("usage: Client BOOTSTRAP QUESTION [REQUEST_ID]");
            System.exit(2);
        }
        String requestId = args.length > 2 ? args[2] : "java-" + UUID.randomUUID();
        ObjectNode request = JSON.createObjectNode();
        request.put("request_id", requestId).put("tenant", TENANT).put("question", args[1]);
        request.put("deadline", Instant.now().plus(TIMEOUT).toString());
        check(request, newest(REQUESTS), true);

        JsonNode response = ask(args[0], requestId, JSON.writeValueAsBytes(request));
        if (response == null) {
            System.err.println("no response within " + TIMEOUT.plusSeconds(5).toSeconds() + " s; check that the services run");
            System.exit(1);
        }
        check(response, newest(RESPONSES), false);
        out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(response));
        System.exit(SUCCESSFUL.contains(response.get("status").asText()) ? 0 : 1);
    }

    /** Publishes the request and reads all responses that are appended after this call. */
    private static JsonNode ask(String bootstrap, String requestId, byte[] body) throws Exception {
        try (var consumer = new KafkaConsumer<>(
                        connection(bootstrap), new ByteArrayDeserializer(), new ByteArrayDeserializer());
                var producer = new KafkaProducer<>(
                        connection(bootstrap), new ByteArraySerializer(), new ByteArraySerializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(RESPONSES).stream()
                    .map(info -> new TopicPartition(info.topic(), info.partition())).toList();
            consumer.assign(partitions);
            consumer.endOffsets(partitions).forEach(consumer::seek);

            byte[] key = (TENANT + ":" + requestId).getBytes(StandardCharsets.UTF_8);
            producer.send(new ProducerRecord<>(REQUESTS, key, body)).get();

            Instant end = Instant.now().plus(TIMEOUT).plusSeconds(5);
            while (Instant.now().isBefore(end)) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    JsonNode response = JSON.readTree(record.value());
                    if (requestId.equals(response.path("request_id").asText())) {
                        return response;
                    }
                }
            }
            return null;
        }
    }

    /** Connection options: plain text, or TLS and a user if SEPTET_KAFKA_PROTOCOL is SASL_SSL. */
    private static Map<String, Object> connection(String bootstrap) {
        Map<String, Object> options = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", "all"));
        Map<String, String> env = System.getenv();
        if ("SASL_SSL".equals(env.get("SEPTET_KAFKA_PROTOCOL"))) {
            options.put("security.protocol", "SASL_SSL");
            options.put("sasl.mechanism", "SCRAM-SHA-512");
            options.put("sasl.jaas.config", String.format(
                    "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";",
                    env.get("SEPTET_KAFKA_USERNAME"), env.get("SEPTET_KAFKA_PASSWORD")));
            options.put("ssl.truststore.type", "PEM");
            options.put("ssl.truststore.location", env.get("SEPTET_KAFKA_CA_FILE"));
        }
        return options;
    }

    /**
     * Checks that a message has the required fields of its schema. A published message must also have no unknown
     * field; a received message may, because newer writers add fields.
     */
    private static void check(JsonNode message, JsonNode schema, boolean own) {
        for (JsonNode name : schema.path("required")) {
            if (!message.has(name.asText())) {
                throw new IllegalStateException("`" + name.asText() + "` is required and missing");
            }
        }
        message.fieldNames().forEachRemaining(name -> {
            if (own && !schema.path("properties").has(name)) {
                throw new IllegalStateException("the schema has no field `" + name + "`");
            }
        });
    }

    /**
     * The newest frozen schema of a topic, from the folder SEPTET_SCHEMAS. The name of a topic ends in the major
     * version: the schemas of {@code septet.responses.v2} are {@code responses/v2.1.json} and so on.
     */
    private static JsonNode newest(String topic) throws IOException {
        String named = Optional.ofNullable(System.getenv("SEPTET_SCHEMAS")).orElse("contracts/schemas");
        String[] parts = topic.split("\\.");
        Path folder = Path.of(named, parts[1]);
        try (Stream<Path> files = Files.list(folder)) {
            Path newest = files.filter(f -> f.getFileName().toString().matches(parts[2] + "\\.\\d+\\.json"))
                    .max((a, b) -> Integer.compare(number(a), number(b))).orElseThrow();
            return JSON.readTree(newest.toFile());
        }
    }

    private static int number(Path file) {
        return Integer.parseInt(file.getFileName().toString().split("\\.")[1]);
    }

    private Client() {}
}
