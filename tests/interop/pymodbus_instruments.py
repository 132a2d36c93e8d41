"""pymodbus as eight instruments, for whole drivers: `pymodbus_instruments.py tcp`, `rtu` (RTU frames inside TCP) or `serial DEVICE`.

Prints the port of its Modbus, 0 on a serial line, and the port of the SCPI that the cycler speaks beside it.

1 a Watlow F4T, 2 a Binder MB1, 3 a load cell, 4 a relay board, 5 a gas sensor, 6 an ADAM-6060, 10 an EA PSB, 11 an ADAM-6018. What is written
stays; what an instrument follows by itself (the mode in force, the state of an output) is written here, from the makers' texts, and nowhere else.
"""

import asyncio
import importlib.util
import struct
import sys

for module, package in (("serial", "python3-serial"), ("serial_asyncio", "python3-serial-asyncio")):
    if importlib.util.find_spec(module) is None:
        sys.exit(f"{module} is missing, and the interoperability tests need it: apt-get install {package}")
try:
    from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
    from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
    from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer
except ImportError as error:
    sys.exit(f"pymodbus ({error}) is missing, and the interoperability tests need it: apt-get install python3-pymodbus")

ON, OFF, INACTIVE, CELSIUS = 63, 62, 61, 15


def float_at(address, value):
    """Low word first."""
    high, low = struct.unpack(">2H", struct.pack(">f", value))
    return {address: low, address + 1: high}


class F4t(ModbusSparseDataBlock):
    CONTROL_MODE, ACTIVE_MODE = 2730, 2814

    def __init__(self):
        registers = {4: 6, 12: 4711, 13: 0, 90: 9, 14080: CELSIUS, 6730: CELSIUS, 2730: OFF, 2814: OFF, 1330: OFF, 1332: 0, 1342: 48,
                     1356: INACTIVE, 16566: 0, 16568: 27}
        for index, character in enumerate("F4T1A2CAA1A1AAA"):
            registers[16 + index] = ord(character)
        for event in (16594, 16596, 16598, 16600, 16822, 16824, 16826, 16828):
            registers[event] = OFF
        for address, value in ((2820, 24.5), (2782, 20.0), (2774, -70.0), (2776, 180.0), (1334, 200.0), (1336, -80.0)):
            registers.update(float_at(address, value))
        super().__init__(registers)

    def setValues(self, address, values, use_as_default=False):
        super().setValues(address, values, use_as_default)
        if address == self.CONTROL_MODE:
            super().setValues(self.ACTIVE_MODE, list(values)[:1])


class Binder(ModbusSparseDataBlock):
    MANUAL, IN_FORCE = 0x1581, 0x1077

    def __init__(self):
        registers = {0x1A22: 0, 0x10BD: 0, 0x123D: 0}
        for address, value in ((0x11A9, 23.5), (self.IN_FORCE, 20.0), (self.MANUAL, 20.0), (0x156F, 20.0)):
            registers.update(float_at(address, value))
        super().__init__(registers)

    def setValues(self, address, values, use_as_default=False):
        super().setValues(address, values, use_as_default)
        if address == self.MANUAL:
            super().setValues(self.IN_FORCE, list(values))


class EaPsb:
    """Its registers, its coils, and its SCPI: three faces of one instrument. A cell of 3.7 V is connected, and takes or gives what it may."""

    REMOTE, OUTPUT = 402, 405
    SINK_CURRENT, SOURCE_CURRENT, STATE, MEASURED = 499, 501, 505, 507
    BY_ETHERNET, CONSTANT_CURRENT = 6, 2
    FULL_SCALE, SET_MAX, PROTECTION_MAX = 52428, 53476, 57671
    CELL_V, NOMINAL = 3.7, (60.0, 60.0, 1500.0)
    IDENTITY = "EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,4711080815,KE 3.10,"
    UNITS = {"SYST:CONF:UVD": "V", "SINK:CURR:PROT": "A", "SYST:COMM:MON:TIME": "s"}

    def __init__(self):
        registers = dict.fromkeys([*range(1, 21), *range(151, 171), *range(498, 512)], 0)
        for address, text in ((1, "PSB 10060-60"), (151, "4711080815")):
            data = text.encode() + b"\0" * (len(text) % 2)
            registers.update((address + i // 2, data[i] << 8 | data[i + 1]) for i in range(0, len(data), 2))
        for index, value in enumerate(self.NOMINAL):
            registers[121 + 2 * index], registers[122 + 2 * index] = struct.unpack(">2H", struct.pack(">f", value))
        registers.update(dict.fromkeys((550, 553, 556), self.PROTECTION_MAX))
        registers.update((address, 0 if address in (9001, 9003) else self.SET_MAX) for address in range(9000, 9010))
        self.coils = ModbusSparseDataBlock(dict.fromkeys((self.REMOTE, self.OUTPUT, 409, 411), False))
        self.registers = EaPsbRegisters(self, registers)
        self.words = {"SYST:CONF:UVD:ACT": "NONE", "POW:STAG:AFT:REM": "AUTO", "SYST:CONF:OUTP:REST": "AUTO", "SYST:COMM:MON:ACT": "OFF"}

    def is_set(self, coil):
        return bool(self.coils.values[coil])

    def follow(self, registers):
        """State and measured values, as they are now."""
        source, sink = registers[self.SOURCE_CURRENT], registers[self.SINK_CURRENT]
        is_on, is_sinking = self.is_set(self.OUTPUT), sink > 0
        state = self.is_set(self.REMOTE) << 11 | self.BY_ETHERNET
        if is_on:
            state |= 1 << 7 | self.CONSTANT_CURRENT << 9 | is_sinking << 12
        current = max(source, sink) if is_on else 0
        voltage = round(self.CELL_V / self.NOMINAL[0] * self.FULL_SCALE)
        registers.update({self.STATE: 0, self.STATE + 1: state, self.MEASURED: voltage, self.MEASURED + 1: current, self.MEASURED + 2: 0})

    def answer(self, message):
        """What it says to one message; nothing to one without a question, or with one about what it does not have."""
        replies = []
        for command in message.split(";"):
            header, _, value = command.strip().partition(" ")
            if header == "*IDN?":
                replies.append(self.IDENTITY)
            elif header == "*STB?":
                replies.append("0")
            elif not header.endswith("?"):
                self.words[header] = value
            elif header[:-1] in self.UNITS and header[:-1] in self.words:
                replies.append(f"{float(self.words[header[:-1]]):.2f} {self.UNITS[header[:-1]]}")
            elif header[:-1] in self.words:
                replies.append(self.words[header[:-1]])
        return ";".join(replies)

    async def talk(self, reader, writer):
        while line := await reader.readline():
            reply = self.answer(line.decode().strip())
            if reply:
                writer.write(reply.encode() + b"\n")
        writer.close()


class EaPsbRegisters(ModbusSparseDataBlock):
    def __init__(self, psb, registers):
        super().__init__(registers)
        self.psb = psb

    def getValues(self, address, count=1):
        self.psb.follow(self.values)
        return super().getValues(address, count)


def adam_6018():
    """Eight inputs of type T (-100 to 400 degC as 0 to 65535), the last one broken."""
    degC = (25.0, -20.0, 60.0, 25.0, 25.0, 25.0, 25.0)
    registers = {index: round((value + 100) / 500 * 65535) for index, value in enumerate(degC)}
    registers[7] = 65535
    registers.update(dict.fromkeys(range(200, 208), 1088))
    return ModbusSparseDataBlock(registers)


def load_cell():
    """Weight -123456 and net weight 123456 counts with one decimal, high word first."""
    registers = {3: 1, 8: 1}
    for address, counts in ((80, -123456), (82, 123456)):
        registers[address], registers[address + 1] = struct.unpack(">2H", struct.pack(">i", counts))
    return ModbusSparseDataBlock(registers)


def unit(registers=None, coils=None):
    blocks = {}
    if registers is not None:
        blocks["hr"] = registers
    if coils is not None:
        blocks["co"] = ModbusSparseDataBlock(coils)
    return ModbusSlaveContext(zero_mode=True, **blocks)


def make_server(context, form, device):
    if form == "serial":
        return ModbusSerialServer(context, framer=ModbusRtuFramer, port=device, baudrate=9600, ignore_missing_slaves=True)
    framer = {"tcp": ModbusSocketFramer, "rtu": ModbusRtuFramer}[form]
    return ModbusTcpServer(context, framer=framer, address=("127.0.0.1", 0), ignore_missing_slaves=True)


def port_of(server):
    return server.sockets[0].getsockname()[1]


async def serve(form, device=None):
    contacts = {0: True, 1: False, 2: True, 3: True, 4: True, 5: True}
    psb = EaPsb()
    units = {
        1: unit(F4t()),
        2: unit(Binder()),
        3: unit(load_cell()),
        4: unit(coils=dict.fromkeys(range(8), False)),
        5: unit(ModbusSparseDataBlock({6: 0x00BD})),
        6: unit(coils=contacts | dict.fromkeys(range(16, 22), False)),
        10: ModbusSlaveContext(hr=psb.registers, co=psb.coils, zero_mode=True),
        11: unit(adam_6018(), coils=dict.fromkeys(range(16, 24), False)),
    }
    scpi = await asyncio.start_server(psb.talk, "127.0.0.1", 0)
    server = make_server(ModbusServerContext(slaves=units, single=False), form, device)
    if form == "serial":
        await server.start()
        serving = asyncio.ensure_future(server.serve_forever())
    else:
        serving = asyncio.ensure_future(server.serve_forever())
        await server.serving
    print(0 if form == "serial" else port_of(server.server), port_of(scpi), flush=True)
    await serving


asyncio.run(serve(*sys.argv[1:]))
