"""pymodbus as an instrument that speaks Modbus RTU inside a TCP connection, for the drivers' bus. Prints its port and serves until it is killed.

Unit 1 holds what a Watlow F4T has where its process value is; unit 2 nothing but zeros; there are no others.
"""

import asyncio
import importlib.util
import sys
from unittest import mock

# Debian only recommends these two, and serial lines are not what pymodbus is wanted for here.
for module in ("serial", "serial_asyncio"):
    if importlib.util.find_spec(module) is None:
        sys.modules[module] = mock.MagicMock(name=module)
try:
    from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
    from pymodbus.server.async_io import ModbusTcpServer
    from pymodbus.transaction import ModbusRtuFramer
except ImportError as error:
    sys.exit(f"pymodbus ({error}) is missing, and the interoperability tests need it: apt-get install python3-pymodbus")


async def serve():
    registers = dict.fromkeys(range(2700, 3000), 0)
    registers[2820], registers[2821] = 0x0000, 0x41C8  # 25.0, low word first
    units = {
        1: ModbusSlaveContext(hr=ModbusSparseDataBlock(registers), co=ModbusSparseDataBlock(dict.fromkeys(range(16), False)), zero_mode=True),
        2: ModbusSlaveContext(hr=ModbusSparseDataBlock(dict.fromkeys(range(10), 0)), zero_mode=True),
    }
    context = ModbusServerContext(slaves=units, single=False)
    server = ModbusTcpServer(context, framer=ModbusRtuFramer, address=("127.0.0.1", 0), ignore_missing_slaves=True)
    serving = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    await serving


asyncio.run(serve())
