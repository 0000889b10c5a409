"""placeholder until merge"""

from septet_kit.messaging.publisher import EVENT_ID_HEADER, Record, headers_of, to_record

__all__ = ["EVENT_ID_HEADER", "Record", "headers_of", "to_record"]
