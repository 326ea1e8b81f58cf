from otto.service.parts import Service
from otto.service.operation import Operation


def operations(service: Service) -> list[Operation]:
    return []
